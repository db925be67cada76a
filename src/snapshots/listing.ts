// What is in a store: snapshots, damaged manifests, and files that look like copies of a database but have no manifest.
// Whatever lies in the folder, a list never fails because of it: what cannot be read is listed as what it is.

import { text } from '../base/bytes.ts'
import { HayaiError } from '../base/errors.ts'
import type { Entry, Store } from '../stores/store.ts'
import { FORMAT_VERSION, type Manifest } from './manifest.ts'
import { guess, stemIn } from './naming.ts'
import { manifestSchema } from './schema.ts'
import { reservedStems } from './unfinished.ts'

export type Listed =
  | {
      readonly kind: 'snapshot'
      readonly manifest: Manifest
      readonly stem: string
      /** What is wrong with its data file, as far as a look at the folder tells: it is gone, or not as long as it was. */
      readonly flaw?: string
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
  for (const { key, bytes, modified } of entries) {
    const about = known.has(key) || unfinished.some((stem) => key.startsWith(`${stem}.`)) ? undefined : guess(key)
    if (about !== undefined) listed.push({ kind: 'foreign', name: key, database: about.database, bytes, modified })
  }
  return listed
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
  const damaged = (why: string, cause?: unknown): HayaiError =>
    new HayaiError('CORRUPT', `the manifest ${key} in ${store.label} is damaged: ${why}`, {
      hint: 'The data file may be whole: it can be restored by its path with --engine.',
      cause,
    })
  if (bytes > MOST) throw damaged('it is far too large')
  const value = parse(await text(store.get(key)), damaged)
  if (typeof value === 'object' && value !== null && 'formatVersion' in value) {
    const { formatVersion } = value
    if (typeof formatVersion === 'number' && formatVersion > FORMAT_VERSION) {
      throw new HayaiError('ENVIRONMENT', `${key} was made by a newer Hayai (format ${formatVersion})`, { hint: 'Update Hayai.' })
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

/** A name that cannot lead out of the folder of its manifest, nor to a hidden file in it. */
function isPlainName(name: string): boolean {
  return name !== '' && !name.startsWith('.') && !/[/\\\0]/.test(name)
}
