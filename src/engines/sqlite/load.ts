// Fills the empty file of a twin, which nobody else uses, and does not believe it before it was checked.

import { open, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { Bytes } from '../../base/bytes.ts'
import { HayaiError, systemCode } from '../../base/errors.ts'
import { syncFolder } from '../../base/files.ts'
import { fileInTar } from '../../base/tar-file.ts'
import type { Format, Target } from '../engine.ts'
import { ask } from './ask.ts'

export async function load(target: Target, format: Format, bytes: Bytes, signal: AbortSignal): Promise<void> {
  await refuseContent(target.path)
  if (format.name === 'sql') await ask('readSql', { file: target.path }, { signal, input: bytes })
  else await write(target.path, format.name === 'tar' ? fileInTar(bytes) : bytes, signal)
  await syncFolder(dirname(target.path))
  await ask('check', { file: target.path }, { signal })
}

async function refuseContent(file: string): Promise<void> {
  try {
    const { size } = await stat(file)
    if (size === 0) return
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return
    throw error
  }
  throw new HayaiError('CONFLICT', `${basename(file)} is not empty, and nothing is loaded over what is there`, {
    hint: 'Restore into another name.',
  })
}

async function write(file: string, bytes: Bytes, signal: AbortSignal): Promise<void> {
  const handle = await open(file, 'w', 0o600)
  try {
    await handle.writeFile(bytes, { signal })
    await handle.sync()
  } catch (error) {
    const code = systemCode(error)
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error
    throw new HayaiError('STORE_FAILED', `the disk of ${file} is full`, {
      hint: 'Make room and try again. Nothing was changed.',
      cause: error,
    })
  } finally {
    await handle.close()
  }
}
