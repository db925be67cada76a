// A store in a folder. Keys are paths below it. A key gets its name only when all of its bytes are on the disk; what is being
// written carries a name that list() does not show and that tells its owner, so that the next put() can clear up after the dead.

import { constants, type Stats } from 'node:fs'
import { link, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Bytes } from '../base/bytes.ts'
import { HayaiError, messageOf, systemCode } from '../base/errors.ts'
import { exists, giveToOwner, isPartial, makeFolder, resolveInside, sweepPartials, syncFolder, temporaryName } from '../base/files.ts'
import { streamed } from '../base/garbage.ts'
import type { Entry, Source, Store } from './store.ts'
import { attendAll, writeAll } from './writer.ts'

export function folderStore(path: string): Store {
  const root = resolve(path)
  const failed = (doing: string, error: unknown): Error => explain(root, doing, error)
  return {
    label: root,
    put: (key, source, options) => put(root, key, source, options.ifAbsent),
    get: (key) => get(root, key),
    async stat(key) {
      const file = fileOf(root, key)
      const found = await statFile(file).catch((error: unknown) => {
        throw failed(`asking for ${key}`, error)
      })
      if (found === undefined) throw missing(root, key)
      return entryOf(key, found)
    },
    copy: (key, to) => copy(root, key, to),
    list: (prefix) =>
      list(root, prefix).catch((error: unknown) => {
        throw failed('listing', error)
      }),
    async delete(key) {
      await rm(fileOf(root, key), { force: true }).catch((error: unknown) => {
        if (systemCode(error) !== 'ENOTDIR') throw failed(`deleting ${key}`, error)
      })
    },
  }
}

async function put(root: string, key: string, source: Source, ifAbsent: boolean): Promise<void> {
  const file = fileOf(root, key)
  const folder = dirname(file)
  const name = key.slice(key.lastIndexOf('/') + 1)
  const temporary = join(folder, temporaryName(name))
  const taken = (cause?: unknown): HayaiError =>
    new HayaiError('CONFLICT', `${key} is already there in ${root}`, { hint: 'Choose another name.', cause })
  const step = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw explain(root, `writing ${key}`, error)
    })

  await step(prepare(folder))
  if (ifAbsent && (await step(exists(file)))) throw taken()
  const handle = await step(open(temporary, typeof source === 'function' ? 'ax+' : 'wx+', 0o600))
  try {
    await fill(handle, source, folder, (error) => explain(root, `writing ${key}`, error))
    if (ifAbsent) {
      await step(
        link(temporary, file).catch((error: unknown) => {
          throw systemCode(error) === 'EEXIST' ? taken(error) : error
        }),
      )
    } else {
      await step(rename(temporary, file))
    }
  } finally {
    await step(rm(temporary, { force: true }))
  }
  await step(
    syncFolder(folder).catch(async (error: unknown) => {
      if (ifAbsent) await rm(file, { force: true }) // a put that fails leaves the key as it was
      throw error
    }),
  )
}

// A second name of the same file: what has a key is never changed, only replaced as a whole, so they do not touch each other.
async function copy(root: string, key: string, to: string): Promise<void> {
  const [from, file] = [fileOf(root, key), fileOf(root, to)]
  try {
    await prepare(dirname(file))
    await link(from, file)
    await syncFolder(dirname(file))
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EEXIST')
      throw new HayaiError('CONFLICT', `${to} is already there in ${root}`, { hint: 'Choose another name.', cause: error })
    throw code === 'ENOENT' || code === 'ENOTDIR' ? missing(root, key) : explain(root, `copying ${key} to ${to}`, error)
  }
}

async function fill(handle: FileHandle, source: Source, folder: string, explained: (error: unknown) => Error): Promise<void> {
  try {
    await giveToOwner(handle, folder)
    if (typeof source === 'function') await attendAll(handle, source({ descriptor: handle.fd }), explained)
    else await writeAll(handle, source, explained)
  } finally {
    await handle.close().catch((error: unknown) => {
      throw explained(error)
    })
  }
}

/** Makes the folder, its names durable up to the first that was there before, and clears up what the dead left in it. */
async function prepare(folder: string): Promise<void> {
  const made: string[] = []
  for (let place = folder; !(await exists(place)); place = dirname(place)) made.push(place)
  if (made.length === 0) return sweepPartials(folder)
  await makeFolder(folder)
  for (const place of made) await syncFolder(dirname(place))
}

const READ = 512 * 1024
// What is handed out is the reader's to keep. In larger pieces the collector of garbage lets twice as many megabytes pile up.
const PIECE = 64 * 1024

async function* get(root: string, key: string): Bytes {
  const file = fileOf(root, key)
  const failed = (error: unknown): Error => {
    const code = systemCode(error)
    return code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR' ? missing(root, key) : explain(root, `reading ${key}`, error)
  }
  const handle = await open(file, constants.O_RDONLY).catch((error: unknown) => {
    throw failed(error)
  })
  let next: Promise<Buffer | Error> | undefined
  try {
    const found = await handle.stat()
    if (!found.isFile()) throw missing(root, key)
    const size = Math.min(READ, found.size + 1)
    let [front, back] = [Buffer.allocUnsafeSlow(size), Buffer.allocUnsafeSlow(size)]
    const read = async (position: number): Promise<Buffer> => {
      const { bytesRead } = await handle.read(front, 0, size, position)
      return front.subarray(0, bytesRead)
    }
    next = settle(read(0))
    for (let position = 0; next !== undefined;) {
      const block: Buffer | Error = await next
      if (block instanceof Error) throw failed(block)
      position += block.byteLength
      streamed(block.byteLength)
      ;[front, back] = [back, front]
      // One block is read ahead while the reader is busy with the one before; a short one is the last.
      next = block.byteLength < size ? undefined : settle(read(position))
      for (let from = 0; from < block.byteLength; from += PIECE) yield Uint8Array.prototype.slice.call(block, from, from + PIECE)
    }
  } finally {
    await next
    await handle.close()
  }
}

function settle(work: Promise<Buffer>): Promise<Buffer | Error> {
  return work.catch((error: unknown) => (error instanceof Error ? error : new Error(messageOf(error))))
}

const WALKERS = 16

async function list(root: string, prefix: string): Promise<readonly Entry[]> {
  const above = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  const folder = above === '' ? root : fileOf(root, above.slice(0, -1))
  const names = await namesIn(folder)
  const keys = names.map((name) => above + name).filter((key) => key.startsWith(prefix))
  const entries: Entry[] = []
  const walkers = Array.from({ length: WALKERS }, async () => {
    for (let key = keys.pop(); key !== undefined; key = keys.pop()) {
      const found = await statFile(join(root, key))
      if (found !== undefined) entries.push(entryOf(key, found))
    }
  })
  await Promise.all(walkers)
  return entries.sort((a, b) => (a.key < b.key ? -1 : 1))
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.filter((entry) => !entry.isDirectory() && !isPartial(entry.name)).map(({ name }) => name)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw error
  }
}

/** undefined when there is no such file: it may have gone since its name was read, or lead nowhere, or be a folder. */
async function statFile(file: string): Promise<Stats | undefined> {
  try {
    const found = await stat(file)
    return found.isFile() ? found : undefined
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return undefined
    throw error
  }
}

function entryOf(key: string, { size, mtime }: Stats): Entry {
  return { key, bytes: size, modified: mtime }
}

/** The file of a key. Throws USAGE when it would be none of this store's files. */
function fileOf(root: string, key: string): string {
  const names = key.split('/')
  const crooked = names.some((name) => name === '' || name === '.' || name === '..') || key.includes('\0')
  if (crooked || isPartial(names.at(-1) ?? '')) {
    throw new HayaiError('USAGE', `${JSON.stringify(key)} cannot be a key in ${root}`, { hint: 'Use names with "/" between them.' })
  }
  return resolveInside(root, key)
}

function missing(root: string, key: string): HayaiError {
  return new HayaiError('NOT_FOUND', `there is no ${key} in ${root}`, { hint: 'Run `hayai snapshot list` to see what there is.' })
}

const REASONS: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  ENOSPC: ['the disk is full', 'Free some space, or choose another folder with -o.'],
  EDQUOT: ['your disk quota is used up', 'Free some space, or choose another folder with -o.'],
  EIO: ['the disk failed', 'Look at the health of the disk, and choose another folder with -o.'],
  EROFS: ['the file system is read-only', 'Choose another folder with -o.'],
  EACCES: ['permission denied', 'Choose a folder you may write to and read.'],
  EPERM: ['the system does not permit it', 'Choose another folder with -o; the file system must know hard links.'],
  ENOTDIR: ['a file is in the place of the folder', 'Choose another folder with -o.'],
  ENOTSUP: ['the file system has no hard links', 'Choose a folder on another file system with -o.'],
}

function explain(root: string, doing: string, error: unknown): Error {
  if (error instanceof HayaiError) return error
  const [reason, hint] = REASONS[systemCode(error) ?? ''] ?? [messageOf(error), 'Look at the folder, or choose another one with -o.']
  return new HayaiError('STORE_FAILED', `${root}: ${doing} failed: ${reason}`, {
    hint,
    cause: error,
    details: { folder: root, reason: systemCode(error) },
  })
}
