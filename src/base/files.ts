// Files that survive: written beside, synced, and moved into place, so that a good name never stands for half a file.

import { randomBytes } from 'node:crypto'
import { constants, type Dirent } from 'node:fs'
import { access, link, mkdir, open, readFile, readdir, rename, rm, stat, statfs, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { HayaiError, systemCode } from './errors.ts'
import { identify, self } from './processes.ts'

/** Replaces a file as a whole: after a crash it has the old content or the new, never a mixture. */
export async function writeDurably(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  await placeDurably(path, content, mode, rename)
}

/** Makes a file as a whole. False, and nothing is touched, when there is one of that name. */
export async function createDurably(path: string, content: string | Uint8Array, mode = 0o600): Promise<boolean> {
  try {
    await placeDurably(path, content, mode, async (from, to) => {
      await link(from, to)
      await rm(from)
    })
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  }
}

async function placeDurably(
  path: string,
  content: string | Uint8Array,
  mode: number,
  place: (from: string, to: string) => Promise<void>,
): Promise<void> {
  const folder = dirname(path)
  const temporary = join(folder, temporaryName(basename(path)))
  try {
    const handle = await open(temporary, 'wx', mode)
    try {
      await giveToOwner(handle, folder)
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await place(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(folder)
}

/**
 * What root makes in somebody's folder is theirs, as if they had made it: else a single `sudo hayai` would leave files in their project
 * that they cannot read. Only what was just made, by its handle: a name could lead to another file by now.
 */
export async function giveToOwner(made: FileHandle, folder: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const [{ uid, gid }, own] = await Promise.all([stat(folder), made.stat()])
  const alone = own.isDirectory() || own.nlink === 1 // not another's by a name that somebody has put here meanwhile
  if (uid !== 0 && own.uid === 0 && alone) await made.chown(uid, gid)
}

/** The same of what a program, or the system, has made under this name. */
export async function giveByName(path: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    await giveToOwner(handle, dirname(path))
  } finally {
    await handle.close()
  }
}

export function syncFile(path: string): Promise<void> {
  return syncPath(path)
}

/** Makes the names in a folder durable: a rename is not, until its folder is synced. */
export async function syncFolder(path: string): Promise<void> {
  await syncPath(path)
}

/** Makes a folder and all that is below it durable. Links are not followed. */
export async function syncTree(path: string): Promise<void> {
  const paths: string[] = [path]
  for (const entry of await readdir(path, { withFileTypes: true, recursive: true })) {
    if (entry.isDirectory() || entry.isFile()) paths.push(join(entry.parentPath, entry.name))
  }
  const walkers = Array.from({ length: 8 }, async () => {
    for (let next = paths.pop(); next !== undefined; next = paths.pop()) await syncPath(next)
  })
  await Promise.all(walkers)
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Makes a folder and its parents; what it makes is for its owner alone, who is the one of the folder above. */
export async function makeFolder(path: string): Promise<void> {
  try {
    const first = await mkdir(path, { recursive: true, mode: 0o700 })
    if (first !== undefined) await giveFolders(first, path)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EEXIST' || code === 'ENOTDIR') {
      throw new HayaiError('CONFLICT', `${path} cannot be made: a file is in its place`, { hint: 'Choose another folder.', cause: error })
    }
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
      throw new HayaiError(
        'STORE_FAILED',
        `${path} cannot be made: ${code === 'EROFS' ? 'the file system is read-only' : 'permission denied'}`,
        {
          hint: 'Choose a folder you may write to.',
          cause: error,
        },
      )
    }
    throw error
  }
}

/** From the first one that was made down to the last. */
async function giveFolders(first: string, last: string): Promise<void> {
  const below = relative(first, resolve(last))
  let folder = first
  for (const name of ['', ...below.split(sep).filter((each) => each !== '')]) {
    folder = join(folder, name)
    await giveByName(folder)
  }
}

/** Makes a folder that must not be there yet, as makeFolder() does. */
export async function newFolder(path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 })
  await giveByName(path)
}

export async function readIfThere(path: string): Promise<string | undefined> {
  return (await readBytesIfThere(path))?.toString('utf8')
}

export async function readBytesIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

export async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return false
    throw error
  }
}

/** Bytes that may still be written to the file system of a path, or of its nearest parent that exists. */
export async function freeBytes(path: string): Promise<number> {
  for (let place = resolve(path); ; place = dirname(place)) {
    try {
      const { bavail, bsize } = await statfs(place)
      return bavail * bsize
    } catch (error) {
      if (systemCode(error) !== 'ENOENT' || place === dirname(place)) throw error
    }
  }
}

/** A name for a file that is being made. It tells its owner, so that sweepPartials() knows whom to ask. */
export function temporaryName(name: string): string {
  const { pid, started } = self()
  return `.${name}.${pid}-${started.replaceAll(/[^0-9a-zA-Z]/g, '_')}-${randomBytes(4).toString('hex')}${PARTIAL}`
}

const PARTIAL = '.partial'

export function isPartial(name: string): boolean {
  return name.startsWith('.') && name.endsWith(PARTIAL)
}

/** Deletes what killed commands were making in a folder. What a live process is making stays. */
export async function sweepPartials(folder: string): Promise<void> {
  let entries: Dirent[]
  try {
    entries = await readdir(folder, { withFileTypes: true })
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return
    throw error
  }
  for (const entry of entries) {
    if (isAbandoned(entry.name)) await rm(join(folder, entry.name), { recursive: true, force: true })
  }
}

/** Whether a file of this name was being made by a command that was killed. */
export function isAbandoned(name: string): boolean {
  return isPartial(name) && !ownerLives(name)
}

function ownerLives(name: string): boolean {
  const owner = /\.(\d+)-([0-9a-zA-Z_]+)-[0-9a-f]{8}\.partial$/.exec(name)
  if (owner?.[1] === undefined || owner[2] === undefined) return true // not one of ours: not ours to delete
  return identify(Number(owner[1]))?.started.replaceAll(/[^0-9a-zA-Z]/g, '_') === owner[2]
}

/** Joins and resolves; throws USAGE when the result is not inside `root`. */
export function resolveInside(root: string, ...parts: readonly string[]): string {
  const base = resolve(root)
  const path = resolve(base, ...parts)
  if (path !== base && !path.startsWith(base.endsWith(sep) ? base : base + sep)) {
    throw new HayaiError('USAGE', `${JSON.stringify(parts.join('/'))} leads out of ${base}`, { hint: 'Use a name, not a path.' })
  }
  return path
}
