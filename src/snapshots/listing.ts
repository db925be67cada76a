// What is in a store: snapshots, damaged manifests, and files that look like copies of a database but have no manifest.
// Whatever lies in the folder, a list never fails because of it: what cannot be read is listed as what it is.

import { text } from '../base/bytes.ts'
import { HayaiError } from '../base/errors.ts'
import type { Entry, Store } from '../stores/store.ts'
import { FORMAT_VERSION, type Manifest } from './manifest.ts'
import { guess, isLatestName, latestStemOf, stemIn } from './naming.ts'
import { manifestSchema } from './schema.ts'
import { reservedStems, successorOf } from './unfinished.ts'

export type Listed =
  | {
      readonly kind: 'snapshot'
      readonly manifest: Manifest
      readonly stem: string
      /** What is wrong with its data file, as far as a look at the folder tells: it is gone, or not as long as it was. */
      readonly flaw?: string
      /** Names under which its data file is also there: `mydb-snapshot-latest.sql`. */
      readonly aliases?: readonly string[]
    }
  /** A file that looks like a copy of a database and has no manifest. */
  | { readonly kind: 'foreign'; readonly name: string; readonly database: string; readonly bytes: number; readonly modified: Date }
  /** A manifest that cannot be read, and why. */
  | { readonly kind: 'damaged'; readonly name: string; readonly reason: string; readonly modified: Date }

const READERS = 16

export async function list(store: Store): Promise<readonly Listed[]> {
  const entries = await store.list('')
  const sizes = new Map(entries.map(({ key, bytes }) => [key, bytes]))
  const waiting = entries.filter(({ key }) => stemIn(key) !== undefined)
  const listed: Listed[] = []
  const readers = Array.from({ length: READERS }, async () => {
    for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
      const read = await lookAt(store, entry, sizes)
      if (read !== undefined) listed.push(read)
    }
  })
  await Promise.all(readers)
  const known = new Set(listed.flatMap((each) => (each.kind === 'snapshot' ? each.manifest.files.map(({ name }) => name) : [])))
  const unfinished = reservedStems(entries)
  const current = unfinished.length === 0 ? listed : await withoutRenamed(store, listed, unfinished)
  const aliases = aliasesAmong(entries, current)
  for (const { key, bytes, modified } of entries) {
    const passed = known.has(key) || aliases.has(key) || unfinished.some((stem) => key.startsWith(`${stem}.`))
    const about = passed ? undefined : guess(key)
    if (about !== undefined) current.push({ kind: 'foreign', name: key, database: about.database, bytes, modified })
  }
  return current.map((each) => {
    const names = each.kind === 'snapshot' ? [...aliases].filter(([, stem]) => stem === each.stem).map(([name]) => name) : []
    return each.kind === 'snapshot' && names.length > 0 ? { ...each, aliases: names } : each
  })
}

/** For as long as a snapshot is being given another name it may be there under both; a killed command may leave it so. */
async function withoutRenamed(store: Store, listed: readonly Listed[], reserved: readonly string[]): Promise<Listed[]> {
  const stems = new Set(listed.flatMap((each) => (each.kind === 'snapshot' ? [each.stem] : [])))
  const kept = listed.map(async (each) => {
    if (each.kind !== 'snapshot' || !reserved.includes(each.stem)) return each
    const successor = await successorOf(store, each.stem)
    return successor !== undefined && stems.has(successor) ? undefined : each
  })
  return (await Promise.all(kept)).filter((each) => each !== undefined)
}

/** Whether an entry is, as far as a look can tell, an untouched copy that was made of a snapshot: it was given the snapshot's own time. */
export function looksLikeCopy(entry: Entry, { instant, files }: Manifest): boolean {
  return entry.bytes === files[0]?.stored.bytes && entry.modified.getTime() === Date.parse(instant)
}

/** A link shows the size and the time of what it leads to. */
function looksLikeLink(entry: Entry, data: Entry): boolean {
  return entry.bytes === data.bytes && entry.modified.getTime() === data.modified.getTime()
}

/** Names of the newest of a database that are no files of their own → the stem of the snapshot. */
function aliasesAmong(entries: readonly Entry[], listed: readonly Listed[]): ReadonlyMap<string, string> {
  const byKey = new Map(entries.map((entry) => [entry.key, entry]))
  const aliases = new Map<string, string>()
  for (const entry of entries.filter(({ key }) => isLatestName(key))) {
    for (const each of listed) {
      if (each.kind !== 'snapshot' || !entry.key.startsWith(latestStemOf(each.manifest.database))) continue
      const data = byKey.get(each.manifest.files[0]?.name ?? '')
      if (looksLikeCopy(entry, each.manifest) || (data !== undefined && looksLikeLink(entry, data))) aliases.set(entry.key, each.stem)
    }
  }
  return aliases
}

/** A manifest with the census of a hundred thousand tables is smaller. */
const MOST = 16 * 1024 * 1024

/** undefined for a JSON file that is no manifest of ours. */
async function lookAt(store: Store, { key, bytes, modified }: Entry, sizes: ReadonlyMap<string, number>): Promise<Listed | undefined> {
  const stem = stemIn(key)
  if (stem === undefined) return undefined
  const looksOurs = /-snapshot-\d{4}/.test(stem)
  if (bytes > MOST && !looksOurs) return undefined
  try {
    const manifest = await readManifest(store, key, bytes)
    const flaw = flawOf(manifest, sizes)
    return { kind: 'snapshot', manifest, stem, ...(flaw !== undefined && { flaw }) }
  } catch (error) {
    if (!(error instanceof HayaiError)) throw error
    if (error.code === 'NOT_FOUND' || !looksOurs) return undefined // gone since, or somebody's package.json
    return { kind: 'damaged', name: key, reason: error.message, modified }
  }
}

function flawOf(manifest: Manifest, sizes: ReadonlyMap<string, number>): string | undefined {
  for (const { name, stored } of manifest.files) {
    const bytes = sizes.get(name)
    if (bytes === undefined) return `${name} is gone`
    if (bytes !== stored.bytes) return `${name} has ${bytes} bytes instead of ${stored.bytes}`
  }
  return undefined
}

/** Throws CORRUPT when it is damaged, ENVIRONMENT when a newer Hayai made it. */
export async function readManifest(store: Store, key: string, bytes: number): Promise<Manifest> {
  const place = `${key} in ${store.label}`
  return parseManifest(bytes > MOST ? undefined : await text(store.get(key)), place)
}

/** Throws like readManifest(); `undefined` stands for one that is too large to be one. */
export function parseManifest(content: string | undefined, place: string): Manifest {
  const damaged = (why: string, cause?: unknown): HayaiError =>
    new HayaiError('CORRUPT', `the manifest ${place} is damaged: ${why}`, {
      hint: 'The data file may be whole: it can be restored by its path with --engine.',
      cause,
    })
  if (content === undefined) throw damaged('it is far too large')
  const value = parse(content, damaged)
  if (typeof value === 'object' && value !== null && 'formatVersion' in value) {
    const { formatVersion } = value
    if (typeof formatVersion === 'number' && formatVersion > FORMAT_VERSION) {
      throw new HayaiError('ENVIRONMENT', `${place} was made by a newer Hayai (format ${formatVersion})`, { hint: 'Update Hayai.' })
    }
  }
  const parsed = manifestSchema.safeParse(value)
  if (!parsed.success) {
    throw damaged(parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'all of it'}: ${message}`).join('; '))
  }
  for (const { name } of parsed.data.files) {
    if (!isPlainName(name)) throw damaged(`${JSON.stringify(name)} is not the name of a file beside it`)
  }
  return parsed.data
}

function parse(content: string, damaged: (why: string, cause: unknown) => HayaiError): unknown {
  try {
    return JSON.parse(content)
  } catch (error) {
    throw damaged(content === '' ? 'it is empty' : 'it is not JSON', error)
  }
}

/** A snapshot of that database which somebody took: not what was kept before something was replaced, which nobody means by the latest. */
export function isTakenOf(listed: Listed, database: string): listed is Extract<Listed, { readonly kind: 'snapshot' }> {
  if (listed.kind !== 'snapshot' || listed.manifest.database !== database) return false
  return listed.manifest.askedBy !== 'safety' || listed.manifest.tags.includes('guard')
}

/** What may be a newer one of a database, and cannot be asked, is not passed over in silence: an older one is not what was meant. */
export function refuseUnread(listed: Listed, database: string, since: string): void {
  if (listed.kind !== 'damaged' || !listed.name.startsWith(`${database}-snapshot-`) || listed.modified.toISOString() <= since) return
  throw new HayaiError('CORRUPT', `what may be the newest snapshot of "${database}" cannot be read: ${listed.reason}`, {
    hint: 'Make it readable, or move it away; an older one can be named by its id.',
  })
}

/** A name that cannot lead out of the folder of its manifest, nor to a hidden file in it. */
function isPlainName(name: string): boolean {
  return name !== '' && !name.startsWith('.') && !/[/\\\0]/.test(name)
}
