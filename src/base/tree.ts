// A folder that nobody writes to, copied as it is: owners, modes, times, links and holes. A change meanwhile fails the copy.

import { createReadStream, constants, type BigIntStats } from 'node:fs'
import { chmod, copyFile, lchown, link, lstat, lutimes, mkdir, open, readdir, readlink, symlink, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { HayaiError, systemCode } from './errors.ts'

export interface CopiedTree {
  /** With several names, as many times. */
  readonly files: number
  /** Of all files together. */
  readonly bytes: number
  /** What is neither file, folder nor link, by its name in the folder: sockets and the like are not copied. */
  readonly skipped: readonly string[]
}

export interface CopyOptions {
  readonly signal: AbortSignal
  /** Told after each file. */
  readonly onFile?: () => void
}

/** `to` must not exist. Where the file system can, the copy shares its blocks with the original, and takes no time. */
export async function copyTree(from: string, to: string, { signal, onFile = () => {} }: CopyOptions): Promise<CopiedTree> {
  const before = await fingerprints(from)
  const skipped: string[] = []
  const links = new Map<string, string>() // files with several names: where the first one was copied to
  let bytes = 0
  let files = 0
  for (const [name, { stats }] of before) {
    signal.throwIfAborted()
    const [source, copy] = [join(from, name), join(to, name)]
    const known = stats.nlink > 1n && stats.isFile() ? links.get(String(stats.ino)) : undefined
    try {
      if (known !== undefined) {
        await link(known, copy)
        files += 1
        continue
      }
      if (stats.isDirectory()) await mkdir(copy, { mode: 0o700 })
      else if (stats.isSymbolicLink()) await symlink(await readlink(source), copy)
      else if (stats.isFile()) {
        await copyContent(source, copy, stats, signal)
        bytes += Number(stats.size)
        files += 1
        if (stats.nlink > 1n) links.set(String(stats.ino), copy)
        onFile()
      } else {
        skipped.push(name)
        continue
      }
    } catch (error) {
      if (systemCode(error) === 'ENOENT') throw changed(name)
      throw error
    }
    if (!stats.isDirectory()) await dress(copy, stats)
  }
  // Folders last, and the inner ones first: what is put into them changes their times, and some may not be written to.
  for (const [name, { stats }] of [...before].toReversed()) if (stats.isDirectory()) await dress(join(to, name), stats)
  refuseChanges(before, await fingerprints(from))
  return { files, bytes, skipped }
}

/** How much room the files of a folder take, which others may be writing to meanwhile. */
export async function treeRoom(root: string): Promise<number> {
  let room = 0
  for (const entry of await readdir(root, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue
    try {
      room += (await lstat(join(entry.parentPath, entry.name))).blocks * 512
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error
    }
  }
  return room
}

type Fingerprints = ReadonlyMap<string, { readonly stats: BigIntStats; readonly print: string }>

/** Every name in the folder, its own ('') first, and folders before what is in them. */
async function fingerprints(root: string): Promise<Fingerprints> {
  const found = new Map<string, { readonly stats: BigIntStats; readonly print: string }>()
  const visit = async (name: string): Promise<void> => {
    const path = join(root, name)
    const stats = await lstat(path, { bigint: true })
    found.set(name, { stats, print: [stats.ino, stats.mode, stats.size, stats.mtimeNs, stats.ctimeNs].join(' ') })
    if (stats.isDirectory()) for (const each of (await readdir(path)).toSorted()) await visit(name === '' ? each : `${name}/${each}`)
  }
  await visit('')
  return found
}

function refuseChanges(before: Fingerprints, after: Fingerprints): void {
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    if (before.get(name)?.print !== after.get(name)?.print) throw changed(name)
  }
}

function changed(name: string): HayaiError {
  return new HayaiError('WRONG_STATE', `${JSON.stringify(name)} was changed while the folder was copied: the copy is of no one moment`, {
    hint: 'Look for another program that writes into the data folder, end it, and try again.',
  })
}

async function copyContent(source: string, copy: string, stats: BigIntStats, signal: AbortSignal): Promise<void> {
  const hasHoles = stats.blocks * 512n < stats.size
  if (!hasHoles) return copyFile(source, copy, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  const file = await open(copy, 'wx', 0o600)
  try {
    const writer = sparseWriter(file)
    for await (const chunk of createReadStream(source, { highWaterMark: 1024 * 1024, signal })) await writer.write(chunk as Buffer) // no encoding was set
    await writer.end()
  } finally {
    await file.close()
  }
}

async function dress(path: string, { uid, gid, mode, atimeNs, mtimeNs }: BigIntStats): Promise<void> {
  if (process.getuid?.() === 0) await lchown(path, Number(uid), Number(gid))
  if ((Number(mode) & constants.S_IFMT) !== constants.S_IFLNK) await chmod(path, Number(mode) & 0o7777)
  await lutimes(path, Number(atimeNs) / 1e9, Number(mtimeNs) / 1e9)
}

const PAGE = 4096
const ZEROS = Buffer.alloc(PAGE)

/** Writes a file from its beginning, and leaves holes where whole pages are nothing but zeros. */
export function sparseWriter(file: FileHandle): { write(chunk: Uint8Array): Promise<void>; end(): Promise<void> } {
  let at = 0
  return {
    async write(chunk) {
      let from = 0 // of what is not written yet
      for (let start = 0; start < chunk.length;) {
        const end = Math.min(chunk.length, start + PAGE - ((at + start) % PAGE))
        const zeros = ZEROS.subarray(0, end - start).equals(chunk.subarray(start, end))
        if (zeros) {
          await writeAll(file, chunk.subarray(from, start), at + from)
          from = end
        }
        start = end
      }
      await writeAll(file, chunk.subarray(from), at + from)
      at += chunk.length
    },
    end: () => file.truncate(at),
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}
