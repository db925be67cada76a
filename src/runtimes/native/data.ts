// The folder of a server's data on this machine, for what an engine has to look at or take away in it.

import { rm } from 'node:fs/promises'
import { exists, resolveInside, syncFolder } from '../../base/files.ts'
import type { DataFolder } from '../../engines/engine.ts'

export function dataFolder(path: string): DataFolder {
  return {
    has: (name) => exists(resolveInside(path, name)),
    async remove(names) {
      for (const name of names) await rm(resolveInside(path, name), { recursive: true, force: true })
      await syncFolder(path)
    },
  }
}
