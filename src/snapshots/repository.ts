// Snapshots in a store: a data file and a manifest each. A snapshot is there when its manifest is, and the manifest is written
// last. Between the two a note says that the data file is not a snapshot yet, so that a killed command leaves nothing false.

import { meter, once, text, type Bytes, type Meter } from '../base/bytes.ts'
import { HayaiError, isCode } from '../base/errors.ts'
import { isAlive, self, type ProcessId } from '../base/processes.ts'
import type { Dump, Format } from '../engines/engine.ts'
import type { Entry, Store } from '../stores/store.ts'
import { compress, type Codec, type Compression } from './codecs.ts'
import { decompress } from './decompress.ts'
import { FORMAT_VERSION, type FileRecord, type Manifest } from './manifest.ts'
import { fileNameOf, guess, manifestNameOf, stemOf } from './naming.ts'
import { manifestSchema } from './schema.ts'

/** What is known before the first byte. */
export interface Draft extends Pick<
  Manifest,
  'id' | 'project' | 'database' | 'engine' | 'runtime' | 'comment' | 'tags' | 'askedBy' | 'git'
> {
  readonly started: Date
}

export interface SaveOptions {
  readonly format: Format
  readonly compression: Compression
  /** The engine's look at the format's own end marker. */
  readonly check: (bytes: Bytes) => Bytes
  readonly signal: AbortSignal
  /** Told how many plain bytes have passed. */
  readonly onProgress: (bytes: number) => void
}

export type Listed =
  | { readonly kind: 'snapshot'; readonly manifest: Manifest; readonly stem: string }
  /** A file that looks like a copy of a database and has no manifest. */
  | { readonly kind: 'foreign'; readonly name: string; readonly database: string; readonly bytes: number; readonly modified: Date }
  /** A manifest that cannot be read, and why. */
  | { readonly kind: 'damaged'; readonly name: string; readonly reason: string; readonly modified: Date }

export interface Repository {
  /** Returns when data and manifest are durable. When it throws, nothing that looks like a snapshot is left. */
  save(draft: Draft, dump: Dump, options: SaveOptions): Promise<Manifest>
  list(): Promise<readonly Listed[]>
  /** The plain bytes. Throws CORRUPT when they do not decompress. */
  open(manifest: Manifest): Bytes
  /** The plain bytes of a foreign file, whatever it is compressed with. */
  openForeign(name: string): Bytes
  /** Throws CORRUPT when the stored bytes are not those that were written: first by their number, then by SHA-256. */
  verifyDigest(manifest: Manifest, onBytes: (done: number, total: number) => void, signal: AbortSignal): Promise<void>
  /** Replaces the manifest as a whole, by one that differs in what may change: verification, comment, tags, pinned. */
  update(stem: string, change: Partial<Pick<Manifest, 'verification' | 'comment' | 'tags' | 'pinned'>>): Promise<Manifest>
}

export function repository(store: Store): Repository {
  return {
    save: (draft, dump, options) => save(store, draft, dump, options),
    list: () => list(store),
    open: (manifest) => decompress(store.get(dataOf(manifest).name), dataOf(manifest).codec),
    openForeign: (name) => decompress(store.get(name)),
    verifyDigest: (manifest, onBytes, signal) => verifyDigest(store, manifest, onBytes, signal),
    async update(stem, change) {
      const manifest = { ...(await readManifest(store, manifestNameOf(stem))), ...change }
      await store.put(manifestNameOf(stem), encode(manifest), { ifAbsent: false })
      return manifest
    },
  }
}

async function save(store: Store, draft: Draft, dump: Dump, options: SaveOptions): Promise<Manifest> {
  await clearUnfinished(store)
  const { format, compression } = options
  const plain = meter(options.check(dump.bytes), options.onProgress)
  const stored: Meter | undefined = compression.codec === 'none' ? undefined : meter(compress(plain.bytes, compression))
  const stem = await reserve(store, draft)
  const name = fileNameOf(stem, format.extension, compression.codec)
  let placed = false
  try {
    await store.put(name, untilAborted((stored ?? plain).bytes, options.signal), { ifAbsent: true })
    placed = true
    const facts = await dump.facts()
    const manifest = manifestSchema.parse({
      formatVersion: FORMAT_VERSION,
      ...draft,
      product: facts.product,
      version: facts.version,
      format: format.name,
      started: draft.started.toISOString(),
      instant: dump.instant.toISOString(),
      finished: new Date().toISOString(),
      files: [{ name, codec: compression.codec, plain: plain.digest(), stored: (stored ?? plain).digest() }],
      recipients: [],
      census: facts.census,
      notes: facts.notes,
      tools: facts.tools,
      pinned: false,
      verification: null,
      byHand: [...unpacking(name, compression.codec), ...format.byHand(fileNameOf(stem, format.extension, 'none'), facts.census)],
    } satisfies Record<keyof Manifest, unknown>)
    await store.put(manifestNameOf(stem), encode(manifest), { ifAbsent: true })
    await store.delete(noteOf(stem))
    return manifest
  } catch (error) {
    if (placed) await store.delete(name)
    await store.delete(noteOf(stem))
    throw error
  }
}

function unpacking(name: string, codec: Codec): readonly string[] {
  return codec === 'none' ? [] : [codec === 'gzip' ? `gunzip --keep ${name}` : `zstd -d ${name}`]
}

const ATTEMPTS = 100

/** A stem that no file has, and the note that says whose it is: of several who ask for the same one, one gets it. */
async function reserve(store: Store, draft: Draft): Promise<string> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const stem = stemOf(draft.database, draft.started, attempt)
    if ((await store.list(stem)).some(({ key }) => key.startsWith(`${stem}.`))) continue
    try {
      await store.put(noteOf(stem), once(JSON.stringify(self())), { ifAbsent: true })
      return stem
    } catch (error) {
      if (!isCode(error, 'CONFLICT')) throw error
    }
  }
  throw new HayaiError('CONFLICT', `there are ${ATTEMPTS} snapshots of "${draft.database}" of this very second`, { hint: 'Wait a second.' })
}

function noteOf(stem: string): string {
  return `.${stem}.unfinished`
}

/** Deletes the data files of commands that died before their manifest was written, and their notes. */
async function clearUnfinished(store: Store): Promise<void> {
  const entries = await store.list('')
  for (const { key } of entries) {
    const stem = /^\.(.+)\.unfinished$/.exec(key)?.[1]
    if (stem === undefined || (await isOwned(store, key))) continue
    if (!entries.some((each) => each.key === manifestNameOf(stem))) {
      for (const data of entries) if (data.key.startsWith(`${stem}.`)) await store.delete(data.key)
    }
    await store.delete(key)
  }
}

async function isOwned(store: Store, note: string): Promise<boolean> {
  try {
    const owner: unknown = JSON.parse(await text(store.get(note)))
    return isProcessId(owner) && isAlive(owner)
  } catch (error) {
    if (isCode(error, 'NOT_FOUND')) return true // it was finished a moment ago
    if (error instanceof SyntaxError) return false
    throw error
  }
}

function isProcessId(value: unknown): value is ProcessId {
  return typeof value === 'object' && value !== null && 'pid' in value && 'started' in value && typeof value.pid === 'number'
}

async function* untilAborted(source: Bytes, signal: AbortSignal): Bytes {
  for await (const chunk of source) {
    signal.throwIfAborted()
    yield chunk
  }
  signal.throwIfAborted()
}

async function list(store: Store): Promise<readonly Listed[]> {
  const entries = await store.list('')
  const keys = new Set(entries.map(({ key }) => key))
  const listed: Listed[] = []
  const known = new Set<string>()
  for (const entry of entries) {
    const stem = /^(.+)\.json$/.exec(entry.key)?.[1]
    if (stem === undefined || entry.key.startsWith('.')) continue
    const read = await lookAt(store, entry, stem)
    if (read === undefined) continue
    if (read.kind === 'snapshot') for (const file of read.manifest.files) known.add(file.name)
    listed.push(read)
  }
  for (const { key, bytes, modified } of entries) {
    const about = known.has(key) ? undefined : guess(key)
    const stem = /^(.+?-snapshot-[0-9TZ-]+)\./.exec(key)?.[1]
    if (about === undefined || (stem !== undefined && keys.has(noteOf(stem)))) continue
    listed.push({ kind: 'foreign', name: key, database: about.database, bytes, modified })
  }
  return listed
}

/** undefined for a JSON file that is no manifest of ours. */
async function lookAt(store: Store, entry: Entry, stem: string): Promise<Listed | undefined> {
  try {
    return { kind: 'snapshot', manifest: await readManifest(store, entry.key), stem }
  } catch (error) {
    if (isCode(error, 'NOT_FOUND') || !/-snapshot-\d{4}/.test(stem)) return undefined
    if (!(error instanceof HayaiError)) throw error
    return { kind: 'damaged', name: entry.key, reason: error.message, modified: entry.modified }
  }
}

async function readManifest(store: Store, key: string): Promise<Manifest> {
  const content = await text(store.get(key))
  const damaged = (why: string, cause?: unknown): HayaiError =>
    new HayaiError('CORRUPT', `the manifest ${key} in ${store.label} is damaged: ${why}`, {
      hint: 'The data file may be whole: it can be restored by its path with --engine.',
      cause,
    })
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch (error) {
    throw damaged('it is not JSON', error)
  }
  if (typeof value === 'object' && value !== null && 'formatVersion' in value && Number(value.formatVersion) > FORMAT_VERSION) {
    throw new HayaiError('ENVIRONMENT', `${key} was made by a newer Hayai (format ${String(value.formatVersion)})`, {
      hint: 'Update Hayai.',
    })
  }
  const parsed = manifestSchema.safeParse(value)
  if (!parsed.success) throw damaged(parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '))
  for (const { name } of parsed.data.files) {
    if (name.includes('/') || name.includes('\\') || name.startsWith('.'))
      throw damaged(`${JSON.stringify(name)} is not the name of a file beside it`)
  }
  return parsed.data
}

async function verifyDigest(
  store: Store,
  manifest: Manifest,
  onBytes: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const { name, stored } = dataOf(manifest)
  const corrupt = (found: string): HayaiError =>
    new HayaiError('CORRUPT', `${name} is not as it was written: ${found}`, {
      hint: 'Nothing was changed. Restore another snapshot: `hayai snapshot list`.',
      details: { file: name, expected: stored },
    })
  let bytes: number
  try {
    ;({ bytes } = await store.stat(name))
  } catch (error) {
    throw isCode(error, 'NOT_FOUND') ? corrupt('it is gone') : error
  }
  if (bytes !== stored.bytes) throw corrupt(`${bytes} bytes instead of ${stored.bytes}`)
  const measured = meter(store.get(name), (done) => onBytes(done, stored.bytes))
  for await (const _ of measured.bytes) signal.throwIfAborted()
  const { sha256 } = measured.digest()
  if (sha256 !== stored.sha256) throw corrupt(`its SHA-256 is ${sha256.slice(0, 16)}… instead of ${stored.sha256.slice(0, 16)}…`)
}

function dataOf(manifest: Manifest): FileRecord {
  const [file] = manifest.files
  if (file === undefined) throw new Error('a manifest without a file passed the schema')
  return file
}

function encode(manifest: Manifest): Bytes {
  return once(`${JSON.stringify(manifest, null, 2)}\n`)
}
