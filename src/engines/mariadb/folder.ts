// A prepared backup as a tar archive: a data folder that a server can be started on, and what mariadb-backup tells of it.

import { mkdir, open, readdir, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Bytes } from '../../base/bytes.ts'
import { HayaiError } from '../../base/errors.ts'
import { tarEnd, tarHeader, tarPadding, tarReader, throughTar, type TarHeader } from '../../base/tar.ts'
import { untar } from '../../base/untar.ts'
import type { Target } from '../engine.ts'

/** From MariaDB 11 on they have the other names. */
const CHECKPOINTS = /^(?:xtrabackup|mariadb_backup)_checkpoints$/
const INFO = ['xtrabackup_info', 'mariadb_backup_info']
const PREPARED = /^backup_type = (?:log-applied|full-prepared)$/m
const SYSTEM = 'ibdata1'

/** The same archive as it is kept: whatever machine it was made on, it is laid down anywhere as its owner's alone. */
export async function* packed(archive: Bytes): Bytes {
  const reader = tarReader()
  let padding = tarPadding(0)
  for await (const chunk of archive) {
    for (const event of reader.feed(chunk)) {
      if ('bytes' in event) yield event.bytes
      else {
        const { name, kind, size } = event.header
        yield padding
        padding = tarPadding(size)
        if (kind === 'link' || kind === 'symlink' || leadsAway(name)) throw refused(name)
        if (name !== '') yield tarHeader({ name, kind, size, mode: kind === 'folder' ? 0o700 : 0o600, target: '' })
      }
    }
  }
  reader.end()
  yield padding
  yield tarEnd()
}

/** How InnoDB is told of a table whose file lies in another folder, that of the server that was copied. */
const leadsAway = (name: string): boolean => name.endsWith('.isl')

function refused(name: string): HayaiError {
  return new HayaiError('CONFLICT', `a table lies outside of the data folder: ${name} leads to it`, {
    hint: 'Use --format sql, which needs no such folders; or make the table anew without DATA DIRECTORY.',
  })
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
