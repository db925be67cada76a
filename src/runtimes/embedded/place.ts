// Where the live file is missing or damaged there is no database whose content could be exchanged: a new file is laid in its
// place, and what lies there, with all that belongs to it, is moved to the generation that it was.

import { chmod, chown, constants, copyFile, link, open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { HayaiError, systemCode } from '../../base/errors.ts'
import { exists, giveByName, makeFolder, syncFolder, temporaryName } from '../../base/files.ts'
import type { Look } from '../../engines/engine.ts'
import { called, type Home } from './home.ts'

export interface Placing {
  readonly live: string
  readonly incoming: string
  readonly outgoing: string
  readonly look: Look
  /** Called before anything is moved. */
  readonly ready: () => Promise<void>
}

/** Never over a file that somebody made in the meantime: then CONFLICT, and all is for moveBack() to put right. */
export async function place(home: Home, { live, incoming, outgoing, look, ready }: Placing): Promise<void> {
  if (look.users.length > 0) {
    throw new HayaiError('LOCKED', `${live} is damaged, and ${look.users.join(', ')} still has it open`, {
      hint: 'Stop it and try again. Nothing was changed.',
      details: { file: live, users: look.users },
    })
  }
  await makeFolder(dirname(live))
  const partial = join(dirname(live), temporaryName(basename(live)))
  try {
    await copyAside(incoming, partial)
    if (look.state === 'damaged') await likeThatOf(live, partial)
    await syncFile(partial)
    await ready()
    await moveTogether(home, live, outgoing)
    home.at('moved aside')
    await linkNew(partial, live, home)
  } finally {
    await rm(partial, { force: true })
  }
  await syncFolder(dirname(live))
}

/** Takes a file and its companions home again; what is there is not touched. */
export async function moveBack(home: Home, outgoing: string, live: string): Promise<void> {
  await moveTogether(home, outgoing, live)
}

/** The file last: as long as it is not there, nobody takes its companions for those of another. */
async function moveTogether({ recipe }: Home, from: string, to: string): Promise<void> {
  for (const ending of [...recipe.companions, '']) {
    if ((await exists(from + ending)) && !(await exists(to + ending))) await move(from + ending, to + ending)
  }
  await syncFolder(dirname(to))
  if (await exists(dirname(from))) await syncFolder(dirname(from))
}

async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    if (systemCode(error) !== 'EXDEV') throw error
    const partial = join(dirname(to), temporaryName(basename(to)))
    await copyAside(from, partial)
    await syncFile(partial)
    await rename(partial, to)
    await syncFolder(dirname(to))
    await rm(from)
  }
}

async function copyAside(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    await giveByName(to)
  } catch (error) {
    await rm(to, { force: true })
    const code = systemCode(error)
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error
    throw new HayaiError('STORE_FAILED', `the disk of ${dirname(to)} is full`, {
      hint: 'Make room and try again. Nothing was changed.',
      cause: error,
    })
  }
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function likeThatOf(model: string, file: string): Promise<void> {
  const { mode, uid, gid } = await stat(model)
  const own = await stat(file)
  if (own.uid !== uid || own.gid !== gid) await chown(file, uid, gid)
  await chmod(file, mode & 0o7777)
}

async function linkNew(from: string, to: string, home: Home): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
    throw new HayaiError('CONFLICT', `another program made ${to} while ${called(home)} was being brought back`, {
      hint: 'Stop that program and try again.',
      cause: error,
    })
  }
}
