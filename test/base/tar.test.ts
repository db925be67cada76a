// Tar archives beside the stock tar: what one writes the other reads, in its several dialects and in any pieces.

import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { tarEnd, tarHeader, tarPadding, tarReader, throughTar, type TarHeader } from '../../src/base/tar.ts'

let folder = ''
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'hayai-tar-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

interface Read extends TarHeader {
  readonly content: string
}

function read(archive: Buffer, size = archive.length): readonly Read[] {
  const reader = tarReader()
  const found: { header: TarHeader; bytes: Buffer[] }[] = []
  for (let at = 0; at < archive.length; at += size) {
    for (const event of reader.feed(archive.subarray(at, at + size))) {
      if ('header' in event) found.push({ header: event.header, bytes: [] })
      else found.at(-1)?.bytes.push(Buffer.from(event.bytes))
    }
  }
  reader.end()
  return found.map(({ header, bytes }) => ({ ...header, content: Buffer.concat(bytes).toString('latin1') }))
}

const file = (name: string, content: string, mode = 0o600): Buffer[] => [
  tarHeader({ name, kind: 'file', size: content.length, mode, target: '' }),
  Buffer.from(content, 'latin1'),
  tarPadding(content.length),
]

describe('what is written', () => {
  it('is unpacked by the stock tar as it was meant', () => {
    const archive = Buffer.concat([
      ...file('empty', ''),
      tarHeader({ name: 'sub', kind: 'folder', size: 0, mode: 0o700, target: '' }),
      ...file('sub/a', 'x'.repeat(1000), 0o640),
      ...file('sub/b', 'y'.repeat(512)),
      tarHeader({ name: 'sub/same', kind: 'link', size: 0, mode: 0o600, target: 'sub/a' }),
      tarEnd(),
    ])
    const said = execFileSync('tar', ['-xvf', '-', '-C', folder], { input: archive, encoding: 'utf8' })
    expect(said.split('\n').filter(Boolean)).toEqual(['empty', 'sub/', 'sub/a', 'sub/b', 'sub/same'])
    expect(readFileSync(join(folder, 'sub/same'), 'latin1')).toBe('x'.repeat(1000))
    expect(statSync(join(folder, 'sub/a')).ino).toBe(statSync(join(folder, 'sub/same')).ino)
    expect(statSync(join(folder, 'sub/a')).mode & 0o777).toBe(0o640)
    expect(read(archive).map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      'empty file',
      'sub folder',
      'sub/a file',
      'sub/b file',
      'sub/same link',
    ])
  })

  it.each([99, 100, 101, 120, 255])('may have a name of %s bytes, which the stock tar and the reader know', (length) => {
    const name = `${'ä'.repeat(10)}${'n'.repeat(length - 20)}`
    const archive = Buffer.concat([...file(name, 'content'), ...file('next', 'more'), tarEnd()])
    expect(
      execFileSync('tar', ['-xvf', '-', '-C', folder], { input: archive, encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8' } }),
    ).toBe(`${name}\nnext\n`)
    expect(readFileSync(join(folder, name), 'utf8')).toBe('content')
    for (const size of [archive.length, 7])
      expect(read(archive, size).map((each) => [each.name, each.content])).toEqual([
        [name, 'content'],
        ['next', 'more'],
      ])
  })

  it('can be of any size', () => {
    const size = 20 * 1024 ** 3
    const header = tarHeader({ name: 'huge', kind: 'file', size, mode: 0o600, target: '' })
    const listed = execFileSync('sh', ['-c', 'tar -tvf - 2>&1 || true'], { input: header, encoding: 'utf8' }) // its bytes are not there
    expect(listed).toContain(String(size))
  })
})

describe('what the stock tar writes', () => {
  const long = `${'deep/'.repeat(30)}${'n'.repeat(90)}`
  beforeEach(() => {
    const source = join(folder, 'source')
    mkdirSync(join(source, 'deep/'.repeat(30)), { recursive: true })
    writeFileSync(join(source, 'a'), 'content')
    chmodSync(join(source, 'a'), 0o640)
    writeFileSync(join(source, 'é ü'), 'x'.repeat(2000))
    writeFileSync(join(source, long), 'long')
    linkSync(join(source, 'a'), join(source, 'b'))
    symlinkSync('/etc/passwd', join(source, 'leaves'))
  })

  it.each(['gnu', 'pax', 'posix'])('is read in the dialect %s, in whatever pieces', (dialect) => {
    const archive = execFileSync('tar', ['-C', join(folder, 'source'), `--format=${dialect}`, '-cf', '-', '.'], { maxBuffer: 1 << 28 })
    const entries = read(archive)
    for (const size of [1, 511, 512, 513]) expect(read(archive, size)).toEqual(entries)
    const named = new Map(entries.map((entry) => [entry.name, entry]))
    expect(named.get('')).toMatchObject({ kind: 'folder' })
    expect(named.get('é ü')?.content).toBe('x'.repeat(2000))
    expect(named.get(long)).toMatchObject({ kind: 'file', content: 'long' })
    expect(new Set([named.get('a')?.kind, named.get('b')?.kind])).toEqual(new Set(['file', 'link']))
    expect(named.get('leaves')).toMatchObject({ kind: 'symlink', target: '/etc/passwd' })
    expect(readdirSync(join(folder, 'source'))).toHaveLength(5)
  })

  it('is refused when it is cut, prolonged, or a header is changed', () => {
    const archive = execFileSync('tar', ['-C', join(folder, 'source'), '-b', '1', '-cf', '-', 'a', 'é ü'])
    for (const cut of [1, 512, 1024, 1500, archive.length - 100]) expect(() => read(archive.subarray(0, -cut))).toThrow('tar archive')
    expect(() => read(Buffer.concat([archive, archive]))).toThrow('goes on after its end')
    const changed = Buffer.from(archive)
    changed[130] = (changed[130] ?? 0) ^ 1
    expect(() => read(changed)).toThrow('wrong checksum')
  })

  it('is refused when a name leads out of it', () => {
    const names = ['../out', 'a/../../out', '/etc/out']
    for (const name of names) {
      const archive = Buffer.concat([...file('innocent__', ''), tarEnd()])
      const header = tarHeader({ name, kind: 'file', size: 0, mode: 0o600, target: '' })
      header.copy(archive)
      expect(() => read(archive), name).toThrow('outside of it')
    }
    const link = Buffer.concat([tarHeader({ name: 'a', kind: 'link', size: 0, mode: 0o600, target: '../../secret' }), tarEnd()])
    expect(() => read(link)).toThrow('outside of it')
    expect(() => read(execFileSync('tar', ['-cf', '-', '-C', '/dev', 'null']))).toThrow('neither a file')
  })
})

it('passes the bytes on, and throws at their end when it is not whole', async () => {
  const archive = Buffer.concat([...file('a', 'content'), tarEnd()])
  const pass = async (bytes: Buffer): Promise<string[]> => {
    const seen: string[] = []
    const source = (async function* () {
      yield bytes
    })()
    let total = 0
    for await (const chunk of throughTar(source, (event) => void ('header' in event && seen.push(event.header.name)))) total += chunk.length
    expect(total).toBe(bytes.length)
    return seen
  }
  expect(await pass(archive)).toEqual(['a'])
  await expect(pass(archive.subarray(0, -512))).rejects.toMatchObject({ code: 'CORRUPT' })
  await expect(pass(Buffer.alloc(0))).rejects.toMatchObject({ code: 'CORRUPT' })
})
