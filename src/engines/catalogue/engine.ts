// An engine made from an entry of the catalogue, by the data-folder method: its server is stopped, or held still, the folder copied,
// the server goes on, and only then is the copy packed. What it holds is counted just before and just after where Hayai knows how;
// else the files and bytes are.

import type { Bytes } from '../../base/bytes.ts'
import { HayaiError } from '../../base/errors.ts'
import { beats } from '../../base/pulse.ts'
import { throughTar } from '../../base/tar.ts'
import { refuseLeading } from '../../base/tree-tar.ts'
import type { Census, Dump, Endpoint, Engine, Facts, Format, Outline, Ready, RestingCopy, Target } from '../engine.ts'
import { COUNTERS, type Counted, type Counter } from './counts.ts'
import type { Entry, Portable } from './entry.ts'
import { recipeOf } from './recipe.ts'
import { letsIn } from './http.ts'
import { inPortable, PORTABLE, portableFormat, restorePortable, takePortable, withManifest } from './portable.ts'
import { loginOf } from './variables.ts'

export function dataFolderEngine(entry: Entry): Engine {
  const { counter, portable } = entry
  const count = counter === undefined ? weighedOnly : COUNTERS[counter]
  const inspect = async (target: Target, signal?: AbortSignal): Promise<Facts> => {
    const able = (await admits(entry, target, signal)) ? count : weighedOnly
    return factsOf(entry, await able(target, signal), [])
  }
  return {
    name: entry.name,
    title: entry.title,
    counts: entry.counts ?? { what: 'file', of: 'folder' },
    pieces: pieces(entry),
    formats: [tar(entry), ...(portable === undefined ? [] : [portableFormat(portable)])],
    recipe: recipeOf(entry),
    settings: (environment, password) => loginOf(entry, environment, password),
    uri: (endpoint) => uriOf(entry, endpoint),
    inspect: (target) => inspect(target),
    concerns: () => Promise.resolve([]),
    async survey(target, depth, signal) {
      if (counter === undefined) throw new HayaiError('USAGE', `Hayai does not know how to look into ${entry.title}`)
      const found = await inspect(target, signal)
      return { ...found, outline: outlineOf(found.census), digests: depth === 'rows' ? {} : null }
    },
    dump(target, format, signal, ready) {
      const own = format.name === PORTABLE ? portable : undefined
      return dump({ entry, count: own === undefined && byWeight(entry) ? weighedOnly : count, portable: own, target }, signal, ready)
    },
    load: (target, { name }, bytes, signal) =>
      portable !== undefined && name === PORTABLE
        ? restorePortable({ portable, count, target }, bytes, signal)
        : target.layDown(bytes, signal),
    tableRows: () => null,
    check({ name }, bytes) {
      const checked = throughTar(bytes, (event) => {
        if ('header' in event) refuseLeading(event.header)
      })
      return name === PORTABLE ? withManifest(checked) : checked
    },
  }
}

/** Whose folder is known by its files and bytes alone: that counts also where the server lets nobody in. */
function byWeight({ native }: Entry): boolean {
  return native === undefined
}

/** Whether it lets in whoever counts what it holds. */
async function admits({ portable }: Entry, { endpoint }: Target, signal: AbortSignal | undefined): Promise<boolean> {
  const token = portable?.token
  return token === undefined || endpoint === undefined || letsIn(endpoint, token.path, signal)
}

/** What is in it nobody knows to count while it runs. */
const weighedOnly: Counter = ({ version }) => Promise.resolve({ version: version ?? '', census: { tables: {}, objects: {} } })

function tar({ native, image, data, port, tag }: Entry): Format {
  const { byHand } = native ?? {}
  const place = `-p 127.0.0.1:PORT:${port ?? 'PORT'} -v "$PWD/FOLDER:${data ?? '/DATA'}"`
  return {
    name: 'tar',
    extension: '.tar',
    fills: 'asleep',
    kind: 'physical',
    atRest: true,
    compressed: 'gzip',
    byHand: (file) => [
      `mkdir FOLDER && tar --numeric-owner -xpf ${file} -C FOLDER`,
      byHand ?? `docker run --rm ${place} ${image === null ? 'IMAGE' : `${image}:${tag ?? 'latest'}`}`,
    ],
  }
}

function uriOf({ uri }: Entry, endpoint: Endpoint | undefined): string {
  if (endpoint === undefined) throw new Error('this database is a server, and has an endpoint')
  const { user, password, port, database } = endpoint
  const values = { user, password: password.reveal(), port: String(port), database }
  return Object.entries(values).reduce((text, [name, value]) => text.replaceAll(`{${name}}`, encodeURIComponent(value)), uri)
}

/** A copy of a folder is taken as a whole. */
function pieces({ title }: Entry): Engine['pieces'] {
  const refuse = async (): Promise<never> => {
    throw new HayaiError('USAGE', `single pieces cannot be taken out of a data folder of ${title}`, {
      hint: 'Restore it into another database with --to, and copy from there.',
    })
  }
  const noun = { one: 'piece', many: 'pieces' }
  return { noun, unit: noun, renames: false, numbered: false, whole: true, find: refuse, transplant: refuse, takeBack: refuse }
}

interface Order {
  readonly entry: Entry
  readonly count: Counter
  /** Where it is asked for its own backup; undefined for a copy of its folder. */
  readonly portable: Portable | undefined
  readonly target: Target
}

async function dump(order: Order, signal: AbortSignal, ready: Ready | undefined): Promise<Dump> {
  const { entry, count, portable, target } = order
  const closing = new AbortController()
  const ends = AbortSignal.any([signal, closing.signal])
  const before = await count(target, ends)
  await ready?.('fix')
  const pulse = { alive: 0, alone: false }
  let instant = new Date()

  async function copyAndCount() {
    const copy = await take(order, ends, () => void pulse.alive++)
    instant = copy.instant
    const after = await count(target, ends)
    if (copy.weight !== undefined) return { copy, counted: { ...after, census: copy.weight }, notes: [] }
    const counted = agreed(before, after)
    return { copy, ...(portable === undefined ? { counted, notes: [] } : inPortable(portable, counted)) }
  }
  const made = copyAndCount()
  made.catch(() => {}) // whoever reads is told

  async function* read(): Bytes {
    yield* beats(made, pulse)
    yield* (await made).copy.archive
  }
  return {
    get instant() {
      return instant
    },
    bytes: read(),
    land: null,
    async facts() {
      const { copy, counted, notes } = await made
      const facts = factsOf(entry, counted, [...notesOf(counted, copy.skipped), ...notes])
      const size = copy.bytes === undefined ? {} : { bytes: copy.bytes }
      return { ...facts, outline: { ...outlineOf(facts.census), ...size }, blocked: copy.blocked }
    },
    expectedBytes: undefined,
    async close() {
      closing.abort()
      const [last] = await Promise.allSettled([made]) // its server runs again when this settles
      if (last.status === 'fulfilled') await last.value.copy.close()
    },
  }
}

/** What was taken of a database, however that is done. */
export interface Taken extends Pick<RestingCopy, 'instant' | 'archive' | 'skipped'> {
  /** What is known of it where nothing can be counted but this. */
  readonly weight?: Census
  readonly bytes?: number
  readonly blocked?: number
  close(): Promise<void>
}

async function take({ entry, portable, target }: Order, signal: AbortSignal, onFile: () => void): Promise<Taken> {
  if (portable !== undefined) return takePortable(portable, target, signal, onFile)
  const copy = await target.copyAtRest(signal, onFile)
  return { ...copy, ...(byWeight(entry) ? { weight: weightOf(copy) } : {}), close: () => Promise.resolve() }
}

function weightOf({ files, bytes }: RestingCopy): Census {
  return { tables: { data: files }, objects: { bytes }, resting: true }
}

/** What was counted before and after the copy; where the two differ nobody can have counted what is in it. */
function agreed(before: Counted, after: Counted): Counted {
  if (JSON.stringify(before.census) === JSON.stringify(after.census)) return after
  const standing = Object.entries(after.census.tables).filter(([name]) => Object.hasOwn(before.census.tables, name))
  return { ...after, census: { tables: Object.fromEntries(standing), objects: {}, moving: true } }
}

function notesOf({ census }: Counted, skipped: readonly string[]): readonly string[] {
  return [
    ...(census.moving === true ? ['Others wrote while it was taken, so what is in the copy could not be counted.'] : []),
    ...(skipped.length === 0 ? [] : [`Neither files, folders nor links, and so not in the copy: ${skipped.join(', ')}.`]),
  ]
}

function factsOf({ title }: Entry, { version, census }: Counted, notes: readonly string[]): Facts {
  return { product: title, version, census, notes, tools: {} }
}

function outlineOf({ tables }: Census): Outline {
  return { tables: Object.fromEntries(Object.keys(tables).map((name) => [name, { columns: {}, parts: {} }])), objects: {} }
}
