// A folder copied, packed and laid down again as it was; beside GNU tar; and archives that try to lead out of their folder.

import { execFileSync } from 'node:child_process'
import {
  appendFile,
  chmod,
  link,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readFile,
  readlink,
  readdir,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { once, type Bytes } from '../../src/base/bytes.ts'
import { tarEnd, tarHeader, tarPadding, type TarHeader } from '../../src/base/tar.ts'
import { packTree, unpackTree } from '../../src/base/tree-tar.ts'
import { copyTree } from '../../src/base/tree.ts'

const never = new AbortController().signal
const long = 'a'.repeat(120)
let root = ''
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'hayai-tree-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

async function makeTree(folder: string): Promise<void> {
  await mkdir(join(folder, 'deep', long), { recursive: true })
  await writeFile(join(folder, 'plain'), 'plain ä\n'.repeat(50_000))
  await writeFile(join(folder, 'empty'), '')
  await writeFile(join(folder, 'deep', long, 'inner'), Buffer.from([0, 1, 2, 255]))
  await writeFile(join(folder, 'closed'), 'nobody writes here', { mode: 0o400 })
  await link(join(folder, 'plain'), join(folder, 'deep', 'same'))
  await symlink('../plain', join(folder, 'deep', 'pointer'))
  await writeFile(join(folder, 'holes'), 'begin')
  await truncate(join(folder, 'holes'), 32 * 1024 * 1024)
  await appendFile(join(folder, 'holes'), 'end')
  await chmod(join(folder, 'deep'), 0o750)
  if (process.getuid?.() === 0) execFileSync('chown', ['-h', '12345:54321', join(folder, 'empty'), join(folder, 'deep', 'pointer')])
}

/** Kind, mode, owner, time, size and content of all that is in it, as GNU find and sha256sum tell. */
function described(folder: string, what = '%P %y %m %U:%G %T@ %s %n %l'): string {
  const seen = execFileSync('find', [folder, '-mindepth', '1', '-not', '-type', 'd', '-printf', `${what}\n`], { encoding: 'utf8' })
  const folders = execFileSync('find', [folder, '-mindepth', '1', '-type', 'd', '-printf', '%P %m %U:%G\n'], { encoding: 'utf8' })
  const sums = execFileSync('sh', ['-c', 'cd "$1" && find . -type f -exec sha256sum {} +', 'sh', folder], { encoding: 'utf8' })
  return [seen, folders, sums].map((lines) => lines.split('\n').toSorted().join('\n')).join('\n\n')
}

const whole = (line: string): string => line.replaceAll(/ (\d+)\.\d+ /g, ' $1 ') // a tar has whole seconds

describe('a folder that is copied', () => {
  it('is the same in all that can be seen of it, holes too', async () => {
    await makeTree(join(root, 'from'))
    const copied = await copyTree(join(root, 'from'), join(root, 'to'), { signal: never })
    expect(whole(described(join(root, 'to')))).toBe(whole(described(join(root, 'from'))))
    expect((await stat(join(root, 'to', 'holes'))).blocks).toBeLessThan(1000)
    expect((await stat(join(root, 'to', 'deep', 'same'))).ino).toBe((await stat(join(root, 'to', 'plain'))).ino)
    expect(copied).toMatchObject({ skipped: [] })
    expect(copied.bytes).toBeGreaterThan(32 * 1024 * 1024)
  })

  it('leaves sockets out, and says so', async () => {
    await mkdir(join(root, 'from'))
    await writeFile(join(root, 'from', 'file'), 'x')
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(join(root, 'from', 'socket'), resolve))
    try {
      expect(await copyTree(join(root, 'from'), join(root, 'to'), { signal: never })).toEqual({ files: 1, bytes: 1, skipped: ['socket'] })
      expect(await readdir(join(root, 'to'))).toEqual(['file'])
    } finally {
      server.close()
    }
  })

  it.each([
    ['a file grows that was copied already', (from: string) => appendFile(join(from, 'a'), 'more')],
    ['a file comes', (from: string) => writeFile(join(from, 'new'), '')],
    ['a file goes that was not copied yet', (from: string) => rm(join(from, 'z'))],
    [
      'a file is written over in place',
      async (from: string) => {
        const file = await open(join(from, 'z'), 'r+')
        await file.write('Z', 0)
        await file.close()
      },
    ],
  ])('fails when %s', async (_, change) => {
    const from = join(root, 'from')
    await mkdir(from)
    for (const name of ['a', 'm', 'z']) await writeFile(join(from, name), name)
    let changed: Promise<unknown> | undefined
    const onFile = (): void => void (changed ??= change(from))
    const copying = (async () => {
      await copyTree(from, join(root, 'to'), { signal: never, onFile })
      await changed
    })()
    await expect(copying).rejects.toMatchObject({ code: 'WRONG_STATE' })
  })
})

describe('a folder as a tar', () => {
  it('is one for GNU tar, and comes back from it', async () => {
    await makeTree(join(root, 'from'))
    await keep(packTree(join(root, 'from'), never), join(root, 'a.tar'))
    await mkdir(join(root, 'gnu'))
    execFileSync('tar', ['--numeric-owner', '-xpf', join(root, 'a.tar'), '-C', join(root, 'gnu')])
    expect(whole(described(join(root, 'gnu')))).toBe(whole(described(join(root, 'from'))))
    await mkdir(join(root, 'ours'))
    await unpackTree(bytesOf(await readFile(join(root, 'a.tar'))), join(root, 'ours'), never)
    const unowned = '%P %y %m %T@ %s %n %l' // whoever lays it down owns it
    expect(whole(described(join(root, 'ours'), unowned)).replaceAll(/ \d+:\d+$/gm, '')).toBe(
      whole(described(join(root, 'from'), unowned)).replaceAll(/ \d+:\d+$/gm, ''),
    )
    expect((await stat(join(root, 'ours', 'holes'))).blocks).toBeLessThan(1000)
  })

  it('is read when GNU tar made it', async () => {
    await makeTree(join(root, 'from'))
    execFileSync('tar', ['-cf', join(root, 'b.tar'), '-C', join(root, 'from'), '.'])
    await mkdir(join(root, 'ours'))
    await unpackTree(bytesOf(await readFile(join(root, 'b.tar'))), join(root, 'ours'), never)
    expect(await readlink(join(root, 'ours', 'deep', 'pointer'))).toBe('../plain')
    expect(await readFile(join(root, 'ours', 'plain'), 'utf8')).toBe(await readFile(join(root, 'from', 'plain'), 'utf8'))
  })

  it('is refused when it is cut', async () => {
    await makeTree(join(root, 'from'))
    await keep(packTree(join(root, 'from'), never), join(root, 'a.tar'))
    const bytes = await readFile(join(root, 'a.tar'))
    for (const [at, length] of [0, 511, 5000, bytes.length - 1024].entries()) {
      await mkdir(join(root, `cut${at}`))
      await expect(unpackTree(once(bytes.subarray(0, length)), join(root, `cut${at}`), never)).rejects.toMatchObject({ code: 'CORRUPT' })
    }
  })
})

const file = (name: string): Partial<TarHeader> => ({ name, kind: 'file', size: 4 })
describe('an archive that tries to lead out of its folder', () => {
  it.each<[string, readonly Partial<TarHeader>[]]>([
    ['by a name with ..', [file('../outside')]],
    ['by an absolute name', [file('/tmp/hayai-outside')]],
    ['by a link to an absolute place', [{ name: 'l', kind: 'symlink', target: '/etc' }]],
    [
      'by a link upwards',
      [
        { name: 'a/l', kind: 'symlink', target: '../../outside' },
        { name: 'a', kind: 'folder' },
      ],
    ],
    ['by a link to a file outside', [{ name: 'l', kind: 'link', target: '../outside' }]],
    ['by a link that is then written through', [{ name: 'l', kind: 'symlink', target: 'a' }, file('l/x')]],
    ['by a link in the place of a file', [file('l'), { name: 'l', kind: 'symlink', target: 'a' }]],
    ['by a name that comes twice', [file('x'), file('x')]],
    ['by a folder that is a file', [file('x'), file('x/y')]],
  ])('%s is refused', async (_, entries) => {
    await writeFile(join(root, 'outside'), 'untouched')
    await mkdir(join(root, 'in'))
    const parts = entries.flatMap((entry) => {
      const header: TarHeader = { name: '', kind: 'file', size: 0, mode: 0o644, target: '', ...entry }
      return [tarHeader(header), Buffer.alloc(header.size, 'x'), tarPadding(header.size)]
    })
    const archive = Buffer.concat([...parts, tarEnd()])
    await expect(unpackTree(once(archive), join(root, 'in'), never)).rejects.toMatchObject({ code: 'CORRUPT' })
    expect(await readFile(join(root, 'outside'), 'utf8')).toBe('untouched')
    await expect(lstat('/tmp/hayai-outside')).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('gives no file the right to be somebody else', async () => {
    await mkdir(join(root, 'in'))
    const header: TarHeader = { name: 'su', kind: 'file', size: 0, mode: 0o4755, target: '' }
    await unpackTree(once(Buffer.concat([tarHeader(header), tarEnd()])), join(root, 'in'), never)
    expect((await stat(join(root, 'in', 'su'))).mode & 0o7777).toBe(0o755)
  })
})

async function keep(bytes: Bytes, path: string): Promise<void> {
  const to = await open(path, 'wx')
  for await (const chunk of bytes) await to.writeFile(chunk)
  await to.close()
}

async function* bytesOf(content: Buffer): Bytes {
  for (let at = 0; at < content.length; at += 65_521) yield content.subarray(at, at + 65_521)
}
