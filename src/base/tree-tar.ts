// A folder as a tar archive: numeric owners, modes, times and links kept; and such an archive laid down in an empty folder, out of
// which no name and no link of it leads.

import { createReadStream, type Stats } from 'node:fs'
import { chmod, link, lstat, lutimes, mkdir, open, readdir, readlink, rm, symlink, type FileHandle } from 'node:fs/promises'
import { join, posix } from 'node:path'
import type { Bytes } from './bytes.ts'
import { HayaiError, systemCode } from './errors.ts'
import { tarEnd, tarHeader, tarPadding, tarReader, type TarHeader } from './tar.ts'
import { sparseWriter } from './tree.ts'

/** Nobody may write to the folder meanwhile. What is neither file, folder nor link is passed over. `removing`: each file once it was read. */
export async function* packTree(root: string, signal: AbortSignal, removing = false): Bytes {
  const links = new Map<number, string>()
  async function* pack(name: string): Bytes {
    signal.throwIfAborted()
    const path = join(root, name)
    const stats = await lstat(path)
    const first = stats.isFile() && stats.nlink > 1 ? links.get(stats.ino) : undefined
    if (first !== undefined) yield headerOf(name, 'link', stats, 0, first)
    else if (stats.isSymbolicLink()) yield headerOf(name, 'symlink', stats, 0, await readlink(path))
    else if (stats.isFile()) {
      if (stats.nlink > 1) links.set(stats.ino, name)
      yield headerOf(name, 'file', stats, stats.size, '')
      yield* content(path, stats.size, signal)
      yield tarPadding(stats.size)
      if (removing) await rm(path)
    } else if (stats.isDirectory()) {
      if (name !== '') yield headerOf(name, 'folder', stats, 0, '')
      for (const each of (await readdir(path)).toSorted()) yield* pack(name === '' ? each : `${name}/${each}`)
    }
  }
  yield* pack('')
  yield tarEnd()
}

function headerOf(name: string, kind: TarHeader['kind'], { mode, uid, gid, mtimeMs }: Stats, size: number, target: string): Buffer {
  return tarHeader({ name, kind, size, mode: mode & 0o7777, target, owner: { uid, gid }, modified: Math.floor(mtimeMs / 1000) })
}

async function* content(path: string, size: number, signal: AbortSignal): Bytes {
  let read = 0
  if (size > 0) {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024, end: size - 1, signal })) {
      const bytes = chunk as Buffer // no encoding was set
      read += bytes.length
      yield bytes
    }
  }
  if (read !== size) throw new Error(`${path} had ${size} bytes, and ${read} could be read`)
}

/** Into an empty folder. Throws CORRUPT for an archive that is cut, or in which anything leads out of it. */
export async function unpackTree(source: Bytes, root: string, signal: AbortSignal): Promise<void> {
  const reader = tarReader()
  const later: TarHeader[] = [] // links must not be there while anything is written; what is closed to writing is closed last
  let open: Laying | undefined
  const finish = async (): Promise<void> => {
    const last = open
    open = undefined
    await last?.end()
  }
  try {
    for await (const chunk of source) {
      signal.throwIfAborted()
      for (const event of reader.feed(chunk)) {
        if ('bytes' in event) await open?.write(event.bytes)
        else {
          await finish()
          open = await lay(root, event.header, later)
        }
      }
    }
    await finish()
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EEXIST' || code === 'ENOENT' || code === 'ENOTDIR') throw tangled(error)
    throw error
  } finally {
    await open?.abandon()
  }
  reader.end()
  for (const { name, kind, target, modified } of later) {
    if (kind !== 'symlink') continue
    await symlink(target, join(root, name)).catch(reject)
    if (modified !== undefined) await lutimes(join(root, name), modified, modified)
  }
  for (const header of later.toReversed()) if (header.kind === 'folder') await dress(join(root, header.name), header)
}

interface Laying {
  write(bytes: Buffer): Promise<void>
  end(): Promise<void>
  abandon(): Promise<void>
}

async function lay(root: string, header: TarHeader, later: TarHeader[]): Promise<Laying | undefined> {
  const { name, kind, target } = header
  const path = join(root, name)
  if (kind === 'file') return layFile(await open(path, 'wx', 0o600), path, header)
  if (kind === 'link') await link(join(root, target), path)
  if (kind === 'symlink') {
    refuseLeading(header)
    later.push(header)
  }
  if (kind === 'folder' && name !== '') {
    await mkdir(path, { mode: 0o700 })
    later.push(header)
  }
  return undefined
}

/** Throws CORRUPT for a link that leads out of the folder. What names lead out of it, the reader refuses. */
export function refuseLeading({ name, kind, target }: TarHeader): void {
  if (kind !== 'symlink') return
  const goal = posix.join(posix.dirname(name), target)
  if (posix.isAbsolute(target) || goal === '..' || goal.startsWith('../')) throw leading(name, target)
}

function layFile(file: FileHandle, path: string, header: TarHeader): Laying {
  const writer = sparseWriter(file)
  return {
    write: (bytes) => writer.write(bytes),
    async end() {
      try {
        await writer.end()
      } finally {
        await file.close()
      }
      await dress(path, header)
    },
    abandon: () => file.close(),
  }
}

/** The rights to become somebody else when run are not given to files from elsewhere. */
async function dress(path: string, { mode, modified }: TarHeader): Promise<void> {
  await chmod(path, mode & 0o777)
  if (modified !== undefined) await lutimes(path, modified, modified)
}

function reject(error: unknown): never {
  throw tangled(error)
}

function tangled(cause: unknown): HayaiError {
  return new HayaiError('CORRUPT', 'the tar archive cannot be laid down: a name is in it twice, or in something that is no folder', {
    hint: 'Use another snapshot.',
    cause,
  })
}

function leading(name: string, target: string): HayaiError {
  return new HayaiError(
    'CORRUPT',
    `the tar archive holds ${JSON.stringify(name)}, a link to ${JSON.stringify(target)}, which is outside of it`,
    {
      hint: 'Such a link is followed to wherever it leads on this machine: nothing was laid down.',
    },
  )
}
