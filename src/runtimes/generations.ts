// The ledger of a database's generations, `<dataDir>/generations.json`: which data folders it has, and which one is live.
// Replacing this file is the one moment at which a restore, an undo or a redo happens; whatever is not in it is not a
// generation yet, or any more. The functions above the line are pure: they take a ledger and give the next one.
//
// The *line* is the way that undo and redo walk: undo goes one back each time, redo one forward. A restore made after an
// undo begins a new branch: what lay forward leaves the line, but stays an entry, and keeps its data until it is dropped.

import { join } from 'node:path'
import { HayaiError } from '../base/errors.ts'
import { makeFolder, readIfThere, writeDurably } from '../base/files.ts'
import type { Generation } from './runtime.ts'

export interface Entry {
  /** UTC, ISO 8601; so is `retired`. */
  readonly made: string
  readonly origin: string
  /** When it stopped being live; null for the live one alone. */
  readonly retired: string | null
  /** The exact version of the server that made the data; null for a file. A folder is never given to another major. */
  readonly version: string | null
}

export interface Ledger {
  readonly formatVersion: 1
  readonly live: string
  /** Oldest first; holds the live one. */
  readonly line: readonly string[]
  readonly entries: Readonly<Record<string, Entry>>
  /** The highest number ever given: a name that was dropped is not given again. */
  readonly given: number
}

export interface Birth {
  readonly origin: string
  readonly version: string | null
  readonly at: Date
}

/** The ledger after a restore or a creation: `name` is live, and undo leads to what was live before. */
export function grown(ledger: Ledger | undefined, name: string, birth: Birth): Ledger {
  const number = numberOf(name)
  if (number === undefined) throw new Error(`${JSON.stringify(name)} is no name of a generation`)
  if (ledger?.entries[name] !== undefined) throw new Error(`there is a generation ${name} already`)
  const made = birth.at.toISOString()
  const entry: Entry = { made, origin: birth.origin, retired: null, version: birth.version }
  if (ledger === undefined) return { formatVersion: 1, live: name, line: [name], entries: { [name]: entry }, given: number }
  return {
    formatVersion: 1,
    live: name,
    line: [...upToLive(ledger), name],
    entries: { ...retire(ledger, birth.at), [name]: entry },
    given: Math.max(ledger.given, number),
  }
}

/** Which generation undo (-1) or redo (+1) leads to. */
export function neighbourOf(ledger: Ledger, step: -1 | 1): string | undefined {
  const at = ledger.line.indexOf(ledger.live) + step
  return at < 0 ? undefined : ledger.line[at]
}

/** The same with all that is known of it; a database without data has none. */
export function neighbourIn(ledger: Ledger | undefined, step: -1 | 1): Generation | undefined {
  const name = ledger === undefined ? undefined : neighbourOf(ledger, step)
  return ledger === undefined || name === undefined ? undefined : generationOf(ledger, name)
}

/** Makes a kept generation live. One that has left the line comes back to it as a restore would: at its end, after the live one. */
export function switched(ledger: Ledger, name: string, at: Date): Ledger {
  const entry = entryOf(ledger, name)
  if (name === ledger.live) return ledger
  const line = ledger.line.includes(name) ? ledger.line : [...upToLive(ledger), name]
  return { ...ledger, live: name, line, entries: { ...retire(ledger, at), [name]: { ...entry, retired: null } } }
}

/** Forgets a generation that is not live; its data is the caller's to delete, afterwards. */
export function dropped(ledger: Ledger, name: string): Ledger {
  entryOf(ledger, name)
  if (name === ledger.live) {
    throw new HayaiError('WRONG_STATE', `${name} is the live generation and cannot be dropped`, { hint: 'Undo or restore first.' })
  }
  const { [name]: _, ...entries } = ledger.entries
  return { ...ledger, entries, line: ledger.line.filter((each) => each !== name) }
}

/** A name that no generation has or had; `taken` are the names of folders or files that are there, of whatever standing. */
export function nextName(ledger: Ledger | undefined, taken: readonly string[]): string {
  const highest = taken.reduce((most, name) => Math.max(most, numberOf(name) ?? 0), ledger?.given ?? 0)
  return `g${String(highest + 1).padStart(4, '0')}`
}

export function isGenerationName(name: string): boolean {
  return numberOf(name) !== undefined
}

export function generationOf(ledger: Ledger, name: string): Generation {
  const { made, origin, version, retired } = entryOf(ledger, name)
  return { name, made, origin, version, live: name === ledger.live, retired: retired ?? undefined }
}

/** All of them, oldest name first. */
export function generationsOf(ledger: Ledger | undefined): readonly Generation[] {
  if (ledger === undefined) return []
  return Object.keys(ledger.entries)
    .toSorted((a, b) => (numberOf(a) ?? 0) - (numberOf(b) ?? 0))
    .map((name) => generationOf(ledger, name))
}

export function entryOf(ledger: Ledger, name: string): Entry {
  const entry = Object.hasOwn(ledger.entries, name) ? ledger.entries[name] : undefined
  if (entry === undefined)
    throw new HayaiError('NOT_FOUND', `there is no generation ${name}`, { hint: 'Run `hayai list` to see the databases.' })
  return entry
}

function upToLive(ledger: Ledger): readonly string[] {
  return ledger.line.slice(0, ledger.line.indexOf(ledger.live) + 1)
}

function retire(ledger: Ledger, at: Date): Readonly<Record<string, Entry>> {
  return { ...ledger.entries, [ledger.live]: { ...entryOf(ledger, ledger.live), retired: at.toISOString() } }
}

// The number goes on past 9999: the names grow longer, and are compared by number.
function numberOf(name: string): number | undefined {
  const digits = /^g(\d{4,9})$/.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

// ---------------------------------------------------------------------------------------------------------------------

export function ledgerFile(dataDir: string): string {
  return join(dataDir, 'generations.json')
}

/** Undefined when there is none: no database here yet. Throws CORRUPT when it is damaged; nothing ever writes over that. */
export async function readLedger(dataDir: string): Promise<Ledger | undefined> {
  const file = ledgerFile(dataDir)
  const content = await readIfThere(file)
  return content === undefined ? undefined : parseLedger(content, file)
}

/** Once this has returned, the ledger survives a crash; until then the one before stands. */
export async function writeLedger(dataDir: string, ledger: Ledger): Promise<void> {
  const file = ledgerFile(dataDir)
  await readLedger(dataDir) // a damaged one throws here, and stays for a person to look at
  const content = `${JSON.stringify(ledger, undefined, 2)}\n`
  parseLedger(content, file)
  await makeFolder(dataDir)
  await writeDurably(file, content)
}

export function parseLedger(content: string, file: string): Ledger {
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch (cause) {
    throw damaged(file, 'it is not JSON', cause)
  }
  if (!isRecord(value)) throw damaged(file, 'it is not an object')
  const { formatVersion, live, line, entries: records, given } = value
  if (typeof formatVersion === 'number' && formatVersion > 1) {
    throw new HayaiError('ENVIRONMENT', `${file} was written by a newer Hayai (format ${formatVersion})`, { hint: 'Update Hayai.' })
  }
  if (formatVersion !== 1) throw damaged(file, '"formatVersion" is not 1')
  if (!isRecord(records)) throw damaged(file, '"entries" is not an object')
  const entries = Object.fromEntries(Object.entries(records).map(([name, entry]) => [name, parseEntry(name, entry, file)]))
  const known = (name: unknown): name is string => typeof name === 'string' && Object.hasOwn(entries, name)
  if (!Array.isArray(line) || !line.every(known) || new Set(line).size !== line.length) {
    throw damaged(file, '"line" does not list generations, each once')
  }
  if (!known(live) || !line.includes(live)) throw damaged(file, '"live" is not in "line"')
  if (typeof given !== 'number' || !Number.isSafeInteger(given)) throw damaged(file, '"given" is not a number')
  for (const [name, entry] of Object.entries(entries)) {
    if ((numberOf(name) ?? Infinity) > given) throw damaged(file, `"given" is less than the number of ${name}`)
    if ((entry.retired === null) !== (name === live)) throw damaged(file, `"retired" of ${name} does not agree with "live"`)
  }
  return { formatVersion: 1, live, line, entries, given }
}

function parseEntry(name: string, value: unknown, file: string): Entry {
  if (numberOf(name) === undefined) throw damaged(file, `${JSON.stringify(name)} is no name of a generation`)
  if (!isRecord(value)) throw damaged(file, `the entry of ${name} is not an object`)
  const { made, origin, retired, version } = value
  if (
    !isTime(made) ||
    typeof origin !== 'string' ||
    !(retired === null || isTime(retired)) ||
    !(version === null || typeof version === 'string')
  ) {
    throw damaged(file, `the entry of ${name} is not complete`)
  }
  return { made, origin, retired, version }
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value))
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function damaged(file: string, why: string, cause?: unknown): HayaiError {
  return new HayaiError('CORRUPT', `${file} is damaged: ${why}`, {
    hint: 'It is left as it is. Put back a good copy of this file; the data folders beside it are untouched.',
    cause,
  })
}
