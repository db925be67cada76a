// Lays a base backup down in an empty folder, and has it looked at by the server's own tool before any server starts on it.

import { mkdir, open, readFile, readdir, rm, writeFile, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { drain, text, type Bytes } from '../../base/bytes.ts'
import { HayaiError } from '../../base/errors.ts'
import { exists } from '../../base/files.ts'
import type { TarHeader } from '../../base/tar.ts'
import { untar } from '../../base/untar.ts'
import type { Target } from '../engine.ts'
import { BACKUP_MANIFEST } from './archive.ts'

export async function layDown(target: Target, bytes: Bytes, signal: AbortSignal): Promise<void> {
  const { path: folder } = target
  const there = await readdir(folder)
  if (there.length > 0) throw new HayaiError('CONFLICT', `${folder} is not empty: it holds ${there.slice(0, 3).join(', ')}`)
  await untar(bytes, signal, (header) => make(folder, header))
  await verify(target, signal)
  await rm(join(folder, BACKUP_MANIFEST)) // of the moment before: the server changes its files from now on
  // Some systems keep these beside the data, not in it; and without them no server starts.
  if (!(await exists(join(folder, 'postgresql.conf')))) await writeFile(join(folder, 'postgresql.conf'), '', { mode: 0o600 })
  if (!(await exists(join(folder, 'pg_hba.conf')))) await writeFile(join(folder, 'pg_hba.conf'), ACCESS, { mode: 0o600 })
}

const ACCESS = `host all all 127.0.0.1/32 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
`

/** Modes as a server wants them, whatever the archive says: for its own account alone. */
async function make(folder: string, { name, kind }: TarHeader): Promise<FileHandle | undefined> {
  if (kind === 'link' || kind === 'symlink') {
    // It would lead to the files of the server that was copied, most likely a tablespace of it.
    throw new HayaiError('CONFLICT', `the base backup holds the link ${name}, and Hayai restores no data that lies elsewhere`, {
      hint: 'Take a snapshot with --format sql, which needs no tablespaces.',
    })
  }
  const path = join(folder, name)
  if (kind === 'folder') await mkdir(path, { recursive: true, mode: 0o700 })
  else {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    return open(path, 'wx', 0o600)
  }
  return undefined
}

/**
 * The log is read too, if the tool is of the server's own version: another one cannot; and if the path stands as it is in the line that
 * the tool makes of it for a shell. A SHA-256 of each file, or of all of the archive, has been compared while it passed (archive.ts),
 * and none is computed once more: every file is there, in its size. Other digests are the tool's.
 */
async function verify(target: Target, signal: AbortSignal): Promise<void> {
  const program = 'pg_verifybackup'
  const [made] = (await text(target.run({ program: 'postgres', args: ['--version'], signal }))).match(/\d+/) ?? []
  const [tool] = (await text(target.run({ program, args: ['--version'], signal }))).match(/\d+/) ?? []
  const manifest = await readFile(join(target.path, BACKUP_MANIFEST), 'utf8')
  const hasOthers = /"Checksum-Algorithm": "(?!SHA256")/.test(manifest)
  const args = [
    '--quiet',
    '--exit-on-error',
    ...(hasOthers ? [] : ['--skip-checksums']),
    ...(made === tool && !UNSPEAKABLE.test(target.path) ? [] : ['--no-parse-wal']),
    target.path,
  ]
  try {
    await drain(target.run({ program, args, signal }))
  } catch (error) {
    if (!(error instanceof HayaiError) || error.code !== 'TOOL_FAILED' || error.details?.['exit'] !== 1) throw error
    throw new HayaiError('CORRUPT', `the base backup did not pass: ${error.message}`, { hint: 'Use another snapshot.', cause: error })
  }
}

const UNSPEAKABLE = /["$`\\]/
