// A base backup as a tar archive: what has to be in it, and whether each file is as the server sent it. The server's own
// manifest comes last in the archive, and tells the size and SHA-256 of every file but those of the log (WAL), whose records bear
// checksums of their own.

import { createHash, type Hash } from 'node:crypto'
import type { Bytes } from '../../base/bytes.ts'
import { HayaiError } from '../../base/errors.ts'
import { throughTar } from '../../base/tar.ts'

export const BACKUP_MANIFEST = 'backup_manifest'
const WAL = /^pg_wal\/[0-9A-F]{24}$/
const NEEDED = ['PG_VERSION', 'global/pg_control', 'backup_label']

interface Passed {
  readonly size: number
  /** undefined where all of the archive is digested. */
  readonly sha256: string | undefined
}

/** Passes the bytes on, and throws CORRUPT at their end when the archive is not a whole base backup. `digested`: as for `Engine.check`. */
export async function* checkArchive(source: Bytes, digested = false): Bytes {
  const files = new Map<string, Passed>()
  const manifest: Buffer[] = []
  let wal = false
  let current: { readonly name: string; readonly size: number; readonly hash: Hash | undefined } | undefined
  const finish = (): void => {
    if (current !== undefined) files.set(current.name, { size: current.size, sha256: current.hash?.digest('hex') })
    current = undefined
  }
  yield* throughTar(source, (event) => {
    if ('bytes' in event) {
      if (current?.name === BACKUP_MANIFEST) manifest.push(Buffer.from(event.bytes))
      current?.hash?.update(event.bytes)
      return
    }
    finish()
    const { name, kind, size } = event.header
    wal ||= WAL.test(name)
    if (kind === 'file' && !name.startsWith('pg_wal/')) current = { name, size, hash: digested ? undefined : createHash('sha256') }
  })
  finish()
  const missing = [...NEEDED, BACKUP_MANIFEST].find((name) => !files.has(name))
  if (missing !== undefined) throw corrupt(`holds no ${missing}`)
  if (!wal) throw corrupt('holds no log (pg_wal), without which it cannot be brought to one instant')
  compare(readManifest(Buffer.concat(manifest)), files)
}

interface Listed {
  readonly name: string
  readonly size: number
  /** In hexadecimal, where it is a SHA-256. */
  readonly sha256: string | undefined
}

function readManifest(bytes: Buffer): readonly Listed[] {
  const end = bytes.lastIndexOf('"Manifest-Checksum"')
  let content: unknown
  try {
    content = JSON.parse(bytes.toString('utf8'))
  } catch {
    throw corrupt(`has a ${BACKUP_MANIFEST} that cannot be read`)
  }
  const { Files: files, 'Manifest-Checksum': own } = record(content)
  if (
    own !==
      createHash('sha256')
        .update(bytes.subarray(0, Math.max(0, end)))
        .digest('hex') ||
    !Array.isArray(files)
  ) {
    throw corrupt(`has a ${BACKUP_MANIFEST} that was changed`)
  }
  return files.map((file: unknown) => {
    const { Path: path, 'Encoded-Path': encoded, Size: size, 'Checksum-Algorithm': algorithm, Checksum: checksum } = record(file)
    const name = typeof encoded === 'string' ? Buffer.from(encoded, 'hex').toString('utf8') : String(path)
    return { name, size: Number(size), sha256: algorithm === 'SHA256' ? String(checksum) : undefined }
  })
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw corrupt(`has a ${BACKUP_MANIFEST} that cannot be read`)
  return value as Readonly<Record<string, unknown>>
}

function compare(listed: readonly Listed[], files: ReadonlyMap<string, Passed>): void {
  const unlisted = new Set(files.keys())
  unlisted.delete(BACKUP_MANIFEST)
  for (const { name, size, sha256 } of listed) {
    if (name.startsWith('pg_wal/')) continue
    const file = files.get(name)
    if (file === undefined) throw corrupt(`lacks ${name}, which its ${BACKUP_MANIFEST} tells of`)
    if (file.size !== size || (sha256 !== undefined && file.sha256 !== undefined && file.sha256 !== sha256))
      throw corrupt(`holds ${name}, but not as the server sent it`)
    unlisted.delete(name)
  }
  const [extra] = unlisted
  if (extra !== undefined) throw corrupt(`holds ${extra}, of which its ${BACKUP_MANIFEST} does not tell`)
}

function corrupt(how: string): HayaiError {
  return new HayaiError('CORRUPT', `the base backup ${how}`, {
    hint: 'Use another snapshot. A base backup that was not made by Hayai has to be one archive: pg_basebackup -F tar -X fetch -D - > FILE',
  })
}
