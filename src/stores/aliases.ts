// Second names in a folder that people look into: symbolic links, or copies where a program would write through a link.

import { constants, type Stats } from 'node:fs'
import { copyFile, lstat, readdir, readlink, rename, rm, stat, symlink, utimes } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { systemCode } from '../base/errors.ts'
import { isPartial, resolveInside, temporaryName } from '../base/files.ts'
import type { Alias, Aliases } from './store.ts'

export function folderAliases(path: string): Aliases {
  const root = resolve(path)
  return {
    async list(prefix) {
      const names = (await orNothing(readdir(root))) ?? []
      const found = names.filter((name) => name.startsWith(prefix) && !isPartial(name)).map((name) => aliasOf(root, name))
      return (await Promise.all(found)).filter((alias) => alias !== undefined)
    },
    async set(name, key, modified) {
      const temporary = join(root, temporaryName(name))
      try {
        if (modified === undefined) await symlink(key, temporary)
        else await copyWithTime(resolveInside(root, key), temporary, modified)
        await rename(temporary, resolveInside(root, name))
      } finally {
        await rm(temporary, { force: true })
      }
    },
    delete: (name) => rm(resolveInside(root, name), { force: true }),
  }
}

async function aliasOf(root: string, name: string): Promise<Alias | undefined> {
  const path = resolveInside(root, name)
  const itself = await orNothing(lstat(path))
  if (itself === undefined || itself.isDirectory()) return undefined
  const target = itself.isSymbolicLink() ? await orNothing(readlink(path)) : undefined
  const file: Stats | undefined = itself.isSymbolicLink() ? await orNothing(stat(path)) : itself
  return { name, target, entry: file === undefined ? undefined : { key: name, bytes: file.size, modified: file.mtime } }
}

async function copyWithTime(from: string, to: string, modified: Date): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE)
  await utimes(to, modified, modified)
}

async function orNothing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return undefined
    throw error
  }
}
