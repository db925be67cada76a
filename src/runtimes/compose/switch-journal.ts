// What is being done to a container that others made, `<dataDir>/switch.json`: from one ledger to the next, and which way. There only
// while it goes on; whoever finds it after a crash finishes it, or takes it back. `keeping.json` is what its server told of its data.

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { HayaiError } from '../../base/errors.ts'
import { makeFolder, readIfThere, syncFolder, writeDurably } from '../../base/files.ts'
import type { Keeping } from '../../engines/engine.ts'
import { parseLedger, type Ledger } from '../generations.ts'
import type { Home } from './home.ts'
import type { Held } from './errands.ts'

export interface Journal {
  readonly before: Ledger
  readonly next: Ledger
  readonly held: Held
  /** Tables that have rows in what is to come. */
  readonly named: readonly string[]
  /** It goes back. */
  readonly back: boolean
}

export async function readJournal(home: Home): Promise<Journal | undefined> {
  const file = fileOf(home)
  const content = await readIfThere(file)
  if (content === undefined) return undefined
  try {
    const { before, next, held, named, back } = JSON.parse(content) as Journal // written by ourselves, as a whole
    return {
      before: parseLedger(JSON.stringify(before), file),
      next: parseLedger(JSON.stringify(next), file),
      held,
      named,
      back,
    }
  } catch (cause) {
    throw new HayaiError('CORRUPT', `${file} is damaged, which tells how far a restore into a container came`, {
      hint: 'Look into the folder .hayai-switch beside the data in its volume: out/ holds what was there before.',
      cause,
    })
  }
}

export async function writeJournal(home: Home, journal: Journal): Promise<void> {
  await writeDurably(fileOf(home), `${JSON.stringify(journal)}\n`)
}

export async function removeJournal(home: Home): Promise<void> {
  await rm(fileOf(home), { force: true })
  await syncFolder(home.placement.dataDir)
}

/** What the server told when it last answered. */
export async function rememberedKeeping(home: Home): Promise<Keeping | undefined> {
  const content = await readIfThere(keepingFile(home))
  return content === undefined ? undefined : (JSON.parse(content) as Keeping) // written by ourselves, as a whole
}

export async function rememberKeeping(home: Home, keeping: Keeping): Promise<void> {
  await makeFolder(home.placement.dataDir)
  await writeDurably(keepingFile(home), `${JSON.stringify(keeping)}\n`)
}

function keepingFile({ placement }: Home): string {
  return join(placement.dataDir, 'keeping.json')
}

function fileOf({ placement }: Home): string {
  return join(placement.dataDir, 'switch.json')
}
