// The note of an exchange that is under way, `<dataDir>/exchange.json`: from it a later command knows what a killed one was doing.

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { HayaiError } from '../../base/errors.ts'
import { readIfThere, writeDurably } from '../../base/files.ts'
import { isGenerationName } from '../generations.ts'
import type { Home } from './home.ts'

export interface Journal {
  /** The generation that is live, and the one that shall be. */
  readonly from: string
  readonly to: string
  /** Where it comes from, when it is a new one; null when a kept one returns. */
  readonly origin: string | null
  /** What the content of `to` bears from before the exchange until the ledger is written. */
  readonly mark: string
  readonly at: string
}

export async function writeJournal(home: Home, journal: Journal): Promise<void> {
  await writeDurably(journalFile(home), `${JSON.stringify(journal, undefined, 2)}\n`)
}

export async function removeJournal(home: Home): Promise<void> {
  await rm(journalFile(home), { force: true })
}

export async function readJournal(home: Home): Promise<Journal | undefined> {
  const content = await readIfThere(journalFile(home))
  if (content === undefined) return undefined
  const journal = parse(content)
  if (journal !== undefined) return journal
  throw new HayaiError('CORRUPT', `${journalFile(home)} is damaged`, {
    hint: 'Look whether the database is as you want it, and then delete this file.',
  })
}

function parse(content: string): Journal | undefined {
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch {
    return undefined // the caller says what that means
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { from, to, origin, mark, at } = value as Record<string, unknown>
  if (typeof from !== 'string' || typeof to !== 'string' || !isGenerationName(from) || !isGenerationName(to)) return undefined
  if (!(origin === null || typeof origin === 'string') || typeof mark !== 'string' || !/^[a-z0-9_]+$/.test(mark)) return undefined
  return typeof at === 'string' && !Number.isNaN(Date.parse(at)) ? { from, to, origin, mark, at } : undefined
}

function journalFile(home: Home): string {
  return join(home.placement.dataDir, 'exchange.json')
}
