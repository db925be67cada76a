// Fills the folder of a server that has never run: the file becomes the one that it reads when it starts.

import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bytes } from '../../base/bytes.ts'
import { HayaiError } from '../../base/errors.ts'
import type { Format, Target } from '../engine.ts'
import { unpack } from './folder.ts'
import { RDB_FILE } from './settle.ts'

export async function load(target: Target, format: Format, bytes: Bytes, signal: AbortSignal): Promise<void> {
  const there = await readdir(target.path)
  if (there.length > 0) throw new HayaiError('CONFLICT', `${target.path} is not empty: it holds ${there.slice(0, 3).join(', ')}`)
  await (format.name === 'tar' ? unpack(bytes, target.path, signal) : write(bytes, join(target.path, RDB_FILE), signal))
}

async function write(bytes: Bytes, path: string, signal: AbortSignal): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    for await (const chunk of bytes) {
      signal.throwIfAborted()
      await file.writeFile(chunk)
    }
  } finally {
    await file.close()
  }
}
