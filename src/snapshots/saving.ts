// Saving a snapshot: the data file gets its name when it is whole and everything that the manifest will say is known; then
// the manifest makes it a snapshot. A note (unfinished.ts) stands beside it in between.

import { meter, once, type Bytes } from '../base/bytes.ts'
import type { Dump, Format, Outlined } from '../engines/engine.ts'
import type { Source, Store } from '../stores/store.ts'
import { AGE_EXTENSION, encrypt } from './age.ts'
import { compress, type Codec, type Compression } from './codecs.ts'
import { FORMAT_VERSION, type FileRecord, type Manifest } from './manifest.ts'
import { fileNameOf, manifestNameOf } from './naming.ts'
import { packOutline } from './outline.ts'
import { manifestSchema } from './schema.ts'
import { clearUp, release, reserve } from './unfinished.ts'

/** What is known before the first byte. */
export interface Draft extends Pick<
  Manifest,
  'id' | 'project' | 'database' | 'engine' | 'runtime' | 'image' | 'comment' | 'tags' | 'askedBy' | 'plan' | 'git'
> {
  readonly started: Date
}

export interface SaveOptions {
  readonly format: Format
  readonly compression: Compression
  /** Who can open it; nobody: it is not encrypted. */
  readonly recipients: readonly string[]
  /** The engine's look at the format's own end marker. */
  readonly check: (bytes: Bytes) => Bytes
  readonly signal: AbortSignal
  /** Told how many plain bytes have passed. */
  readonly onProgress: (bytes: number) => void
}

export async function save(store: Store, draft: Draft, dump: Dump, options: SaveOptions): Promise<Manifest> {
  const { format, compression, recipients, signal } = options
  signal.throwIfAborted()
  await clearUp(store)
  const nameOf = (stem: string): string => fileNameOf(stem, format.extension, compression.codec, recipients.length > 0)
  const stem = await reserve(store, draft.database, dump.instant, nameOf)
  let placed = false
  let manifest: Manifest
  try {
    manifest = await saveContent(store, stem, draft, dump, options)
    placed = true
    await store.put(manifestNameOf(stem), encode(manifest), { ifAbsent: true })
  } catch (error) {
    // If even this fails the note stays, which keeps the file out of every list. What went wrong first is what is told.
    const gone = placed ? store.delete(nameOf(stem)) : Promise.resolve()
    await gone.then(() => release(store, stem)).catch(() => {})
    throw error
  }
  // From here on it is a snapshot, also with the note beside it: a store may refuse to delete, and the next save tries again.
  await release(store, stem).catch(() => {})
  return manifest
}

/**
 * The content alone, under a name that begins with `stem` and is the caller's own, and the record of it: for those who keep the
 * record in another place. It is there, whole and durable, when this returns; else nothing is.
 */
export async function saveContent(store: Store, stem: string, draft: Draft, dump: Dump, options: SaveOptions): Promise<Manifest> {
  const { format, compression, recipients, signal } = options
  const isPlain = compression.codec === 'none' && recipients.length === 0
  const name = fileNameOf(stem, format.extension, compression.codec, recipients.length > 0)
  const sealing = sealed(signal)
  const sealedBytes = (bytes: Bytes): Bytes => {
    const plain = meter(options.check(bytes), options.onProgress)
    const packed = compress(plain.bytes, compression)
    const stored = isPlain ? plain : meter(recipients.length === 0 ? packed : encrypt(packed, recipients))
    return sealing.pass(stored.bytes, async () => {
      const file = { name, codec: compression.codec, plain: plain.digest(), stored: stored.digest() }
      return compose(draft, dump.instant, await dump.facts(), options, stem, file)
    })
  }
  const { bytes, land } = dump
  // What is stored as it was dumped can be written by whoever dumps it.
  const landing = land === null || !isPlain ? undefined : land
  const source: Source = landing === undefined ? sealedBytes(bytes) : (into) => sealedBytes(into === undefined ? bytes : landing(into))
  await store.put(name, source, { ifAbsent: true })
  return sealing.manifest()
}

/** Passes the bytes on, and ends only when the manifest is known: what can fail, fails before the data file has its name. */
function sealed(signal: AbortSignal) {
  let manifest: Manifest | undefined
  async function* pass(source: Bytes, finish: () => Promise<Manifest>): Bytes {
    for await (const chunk of source) {
      signal.throwIfAborted()
      yield chunk
    }
    manifest = await finish()
    signal.throwIfAborted()
  }
  return {
    pass,
    manifest(): Manifest {
      if (manifest === undefined) throw new Error('the store has put bytes without reading them to their end')
      return manifest
    },
  }
}

async function compose(
  draft: Draft,
  instant: Date,
  facts: Outlined,
  { format, recipients }: SaveOptions,
  stem: string,
  file: FileRecord,
): Promise<Manifest> {
  const written: Record<keyof Manifest, unknown> = {
    formatVersion: FORMAT_VERSION,
    ...draft,
    image: draft.image,
    plan: draft.plan,
    product: facts.product,
    version: facts.version,
    format: format.name,
    started: draft.started.toISOString(),
    instant: instant.toISOString(),
    finished: new Date().toISOString(),
    files: [file],
    recipients,
    census: facts.census,
    outline: recipients.length === 0 ? await packOutline(facts.outline) : undefined, // definitions are content
    notes: facts.notes,
    tools: facts.tools,
    pinned: false,
    verification: null,
    byHand: [
      ...unpacking(file.name, file.codec, recipients.length > 0),
      ...format.byHand(fileNameOf(stem, format.extension, 'none'), facts.census),
    ],
  }
  return manifestSchema.parse(written)
}

function unpacking(name: string, codec: Codec, encrypted: boolean): readonly string[] {
  const packed = encrypted ? name.slice(0, -AGE_EXTENSION.length) : name
  return [
    ...(encrypted ? [`age -d -i KEYFILE -o ${packed} ${name}`] : []),
    ...(codec === 'none' ? [] : [codec === 'gzip' ? `gunzip --keep ${packed}` : `zstd -d ${packed}`]),
  ]
}

export function encode(manifest: Manifest): Bytes {
  return once(`${JSON.stringify(manifest, null, 2)}\n`)
}
