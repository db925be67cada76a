// The folders of generations, and those that are not generations: `unfinished.json` in a folder says that it is being made,
// or deleted, and by which process. A folder is deleted by Hayai only where that file is in it and the ledger does not name
// it: data that nobody knows the story of is left alone.

import { readdir, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { HayaiError, systemCode } from '../../base/errors.ts'
import { makeFolder, newFolder, readIfThere, sweepPartials, writeDurably } from '../../base/files.ts'
import { isAlive, self } from '../../base/processes.ts'
import { isGenerationName, nextName, type Ledger } from '../generations.ts'
import { generationFolder, type Home } from './home.ts'

/** A new, unfinished generation without a file: its name. */
export async function makeUnfinished(home: Home, ledger: Ledger | undefined): Promise<string> {
  const { dataDir } = home.placement
  await makeFolder(dataDir)
  const name = nextName(ledger, await readdir(dataDir))
  await newFolder(generationFolder(home, name))
  await markUnfinished(home, name)
  home.at('folder made')
  return name
}

export async function markUnfinished(home: Home, name: string): Promise<void> {
  await makeFolder(generationFolder(home, name))
  await writeDurably(markOf(home, name), `${JSON.stringify(self())}\n`)
}

/** Deletes the folder; its mark goes last. */
export async function deleteUnfinished(home: Home, name: string): Promise<void> {
  const folder = generationFolder(home, name)
  for (const entry of await namesIn(folder)) {
    if (entry !== MARK) await rm(join(folder, entry), { recursive: true, force: true })
  }
  await rm(folder, { recursive: true, force: true })
}

/** Deletes what killed commands were making or deleting. What a live process works on stays, and so does what has no mark. */
export async function sweepFolders(home: Home, ledger: Ledger | undefined): Promise<void> {
  for (const name of (await namesIn(home.placement.dataDir)).filter(isGenerationName)) {
    const owner = await ownerOfMark(home, name)
    if (ledger?.entries[name] !== undefined) {
      if (owner === 'gone') await rm(markOf(home, name), { force: true }) // a deletion that was not decided yet
    } else if (owner === 'gone') {
      await deleteUnfinished(home, name)
    } else if (owner === undefined) {
      await removeIfEmpty(generationFolder(home, name)) // killed before its mark was written
    }
  }
}

export async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw error
  }
}

async function ownerOfMark(home: Home, name: string): Promise<'alive' | 'gone' | undefined> {
  const content = await readIfThere(markOf(home, name))
  if (content === undefined) return undefined
  const [, pid, started] = /^\{"pid":(\d+),"started":"([^"\\]+)"\}\n$/.exec(content) ?? []
  if (started === undefined) {
    throw new HayaiError('CORRUPT', `${markOf(home, name)} is damaged`, { hint: 'Delete this file to keep the folder.' })
  }
  return isAlive({ pid: Number(pid), started }) ? 'alive' : 'gone'
}

async function removeIfEmpty(folder: string): Promise<void> {
  await sweepPartials(folder)
  try {
    await rmdir(folder)
  } catch (error) {
    if (systemCode(error) !== 'ENOTEMPTY') throw error
  }
}

const MARK = 'unfinished.json'

function markOf(home: Home, name: string): string {
  return join(generationFolder(home, name), MARK)
}
