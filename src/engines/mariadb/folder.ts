// A prepared backup as a tar archive: a data folder that a server can be started on, and what mariadb-backup tells of it.

import { mkdir, open, readdir, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Bytes } from '../../base/bytes.ts'
import { HayaiError } from '../../base/errors.ts'
import { tarEnd, tarHeader, tarPadding, throughTar, type TarHeader } from '../../base/tar.ts'
import { untar } from '../../base/untar.ts'
import type { Target } from '../engine.ts'

/** From MariaDB 11 on they have the other names. */
const CHECKPOINTS = /^(?:xtrabackup|mariadb_backup)_checkpoints$/
const INFO = ['xtrabackup_info', 'mariadb_backup_info']
const PREPARED = /^backup_type = (?:log-applied|full-prepared)$/m
const SYSTEM = 'ibdata1'

const PIECE = 1024 * 1024

/** The files of a folder that nobody writes to any more; each is removed once it has been read, for they may be many. */
export async function* packed(folder: string, signal: AbortSignal): Bytes {
  for (const { parentPath, name, ...entry } of await inOrder(folder)) {
    signal.throwIfAborted()
    const path = join(parentPath, name)
    const called = path.slice(folder.length + 1)
    if (entry.isFolder) yield tarHeader({ name: called, kind: 'folder', size: 0, mode: 0o700, target: '' })
    else {
      const { size } = await stat(path)
      yield tarHeader({ name: called, kind: 'file', size, mode: 0o600, target: '' })
      yield* content(path, size)
      yield tarPadding(size)
      await rm(path)
    }
  }
  yield tarEnd()
}

async function inOrder(folder: string) {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  const elsewhere = entries.find((each) => each.isSymbolicLink() || leadsAway(each.name))
  if (elsewhere !== undefined) throw refused(join(elsewhere.parentPath, elsewhere.name).slice(folder.length + 1))
  return entries
    .map((each) => ({ parentPath: each.parentPath, name: each.name, isFolder: each.isDirectory() }))
    .toSorted((a, b) => (join(a.parentPath, a.name) < join(b.parentPath, b.name) ? -1 : 1))
}

/** How InnoDB is told of a table whose file lies in another folder, that of the server that was copied. */
const leadsAway = (name: string): boolean => name.endsWith('.isl')

function refused(name: string): HayaiError {
  return new HayaiError('CONFLICT', `a table lies outside of the data folder: ${name} leads to it`, {
    hint: 'Use --format sql, which needs no such folders; or make the table anew without DATA DIRECTORY.',
  })
}

async function* content(path: string, size: number): Bytes {
  const file = await open(path, 'r')
  try {
    for (let at = 0; at < size;) {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(Math.min(PIECE, size - at)), 0, null, at)
      if (bytesRead === 0) throw new HayaiError('TOOL_FAILED', `${path} became shorter while it was read`)
      at += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}

/** Passes the bytes on, and throws CORRUPT at their end when the archive is not whole, or not a backup that was prepared. */
export async function* checkFolder(source: Bytes): Bytes {
  let state: string | undefined
  let inState = false
  let whole = false
  yield* throughTar(source, (event) => {
    if ('bytes' in event) {
      if (inState) state = (state ?? '') + event.bytes.toString('latin1').slice(0, 4096)
      return
    }
    inState = CHECKPOINTS.test(event.header.name)
    whole ||= event.header.name === SYSTEM
  })
  if (!whole) throw corrupt(`holds no ${SYSTEM}`, 'Use another file: this one is no copy of a MariaDB server.')
  if (state === undefined || !PREPARED.test(state)) {
    throw corrupt(
      'was not prepared: it is not of one instant',
      'Unpack it, type `mariadb-backup --prepare --target-dir=FOLDER`, and pack it again: tar -C FOLDER -cf FILE .',
    )
  }
}

function corrupt(how: string, hint: string): HayaiError {
  return new HayaiError('CORRUPT', `the copy of the server ${how}`, { hint })
}

/** Into the empty folder of a server that has never run. */
export async function layDown(target: Target, bytes: Bytes, signal: AbortSignal): Promise<void> {
  const { path: folder } = target
  const there = await readdir(folder)
  if (there.length > 0) throw new HayaiError('CONFLICT', `${folder} is not empty: it holds ${there.slice(0, 3).join(', ')}`)
  await untar(bytes, signal, (header) => make(folder, header))
}

async function make(folder: string, { name, kind }: TarHeader): Promise<FileHandle | undefined> {
  if (kind === 'link' || kind === 'symlink' || leadsAway(name)) throw refused(name)
  const path = join(folder, name)
  if (kind === 'folder') await mkdir(path, { recursive: true, mode: 0o700 })
  else if (!name.includes('/') && (CHECKPOINTS.test(name) || INFO.includes(name) || name === 'backup-my.cnf')) return undefined
  else {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    return open(path, 'wx', 0o600)
  }
  return undefined
}

/** What mariadb-backup has written of itself: `10.11.19-MariaDB`. */
export function toolVersionIn(info: string): string {
  return /^tool_version = (\d+\.\d+\.\d+)/m.exec(info)?.[1] ?? ''
}

export const INFO_FILES = INFO
