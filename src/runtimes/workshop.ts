// The workshop of a server whose programs run on this machine: two folders in the scratch of its target.

import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bytes } from '../base/bytes.ts'
import { systemCode } from '../base/errors.ts'
import { readIfThere } from '../base/files.ts'
import { packTree, unpackTree } from '../base/tree-tar.ts'
import type { Invocation, Workshop } from '../engines/engine.ts'

export async function workshopIn(scratch: string, run: (invocation: Invocation, input?: Bytes) => Bytes): Promise<Workshop> {
  const [path, temporary] = [join(scratch, 'made'), join(scratch, 'aside')]
  for (const folder of [path, temporary]) await mkdir(folder, { mode: 0o700 })
  return {
    path,
    temporary,
    run,
    extent: () => extentOf(path),
    read: (name) => readIfThere(join(path, name)),
    unpack: (bytes, signal) => unpackTree(bytes, path, signal),
    archive: (signal) => packTree(path, signal, true),
    async close() {
      for (const folder of [path, temporary]) await rm(folder, { recursive: true, force: true })
    },
  }
}

async function extentOf(folder: string): Promise<string> {
  let [size, newest] = [0, 0]
  for (const { parentPath, name } of await readdir(folder, { withFileTypes: true, recursive: true })) {
    try {
      const found = await stat(join(parentPath, name))
      size += found.size
      newest = Math.max(newest, found.mtimeMs)
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error // renamed meanwhile
    }
  }
  return `${size} ${newest}`
}
