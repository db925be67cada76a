// Generations that are none: `unfinished.json` in a generation's folder says that it is being made, or deleted, and by which
// process. Whoever finds that process gone may delete it, if the ledger does not name it.

import { readdir, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { HayaiError, systemCode } from '../base/errors.ts'
import { exists, readIfThere, sweepPartials, writeDurably } from '../base/files.ts'
import { isAlive, self, type ProcessId } from '../base/processes.ts'
import { isGenerationName } from './generations.ts'

export const MARK = 'unfinished.json'

export async function markUnfinished(dataDir: string, generation: string): Promise<void> {
  await writeDurably(markOf(dataDir, generation), `${JSON.stringify(self())}\n`)
}

/** Whoever comes next may delete it, although the process that marked it lives on. */
export async function markAbandoned(dataDir: string, generation: string): Promise<void> {
  await writeDurably(markOf(dataDir, generation), `${JSON.stringify({ pid: self().pid, started: 'gave up' })}\n`)
}

export async function markFinished(dataDir: string, generation: string): Promise<void> {
  await rm(markOf(dataDir, generation), { force: true })
}

export async function isUnfinished(dataDir: string, generation: string): Promise<boolean> {
  return exists(markOf(dataDir, generation))
}

/** Who marked it: somebody who is at work on it, somebody who is gone, or nobody. */
export async function ownerOfMark(dataDir: string, generation: string): Promise<'alive' | 'gone' | undefined> {
  const mark = markOf(dataDir, generation)
  const content = await readIfThere(mark)
  if (content === undefined) return undefined
  const [, pid, started] = /^\{"pid":(\d+),"started":"([^"\\]+)"\}\n$/.exec(content) ?? []
  if (started === undefined) throw new HayaiError('CORRUPT', `${mark} is damaged`, { hint: 'Delete the file to keep the folder.' })
  const owner: ProcessId = { pid: Number(pid), started }
  return isAlive(owner) ? 'alive' : 'gone'
}

/** Names of folders that are generations, or look like it. */
export async function generationFolders(dataDir: string): Promise<readonly string[]> {
  return (await namesIn(dataDir)).filter(isGenerationName)
}

export async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw error
  }
}

export async function removeIfEmpty(folder: string): Promise<void> {
  await sweepPartials(folder)
  try {
    await rmdir(folder)
  } catch (error) {
    if (systemCode(error) !== 'ENOTEMPTY') throw error
  }
}

function markOf(dataDir: string, generation: string): string {
  return join(dataDir, generation, MARK)
}
