// One snapshot as one file, to be handed on: a tar of its manifest and its data file, which `tar -xf` lays down as the two files
// that they are. What is unpacked here is believed only after its SHA-256.

import { meter, text, type Bytes } from '../base/bytes.ts'
import { HayaiError, isCode, messageOf } from '../base/errors.ts'
import { tarEnd, tarHeader, tarPadding, tarReader } from '../base/tar.ts'
import type { Store } from '../stores/store.ts'
import { decompress } from './decompress.ts'
import { parseManifest } from './listing.ts'
import type { FileRecord, Manifest } from './manifest.ts'
import { endingOf, manifestNameOf, stemIn } from './naming.ts'
import type { Named } from './renaming.ts'
import { encode } from './saving.ts'
import { claim, release } from './unfinished.ts'

/** The parcel's bytes; they throw CORRUPT, before their end, when the data file is not as it was written. */
export async function* pack(store: Store, { stem, manifest }: Named, onBytes: (done: number) => void): Bytes {
  const record = await text(encode(manifest))
  yield header(manifestNameOf(stem), Buffer.byteLength(record))
  yield Buffer.from(record)
  yield tarPadding(Buffer.byteLength(record))
  for (const file of manifest.files) {
    yield header(file.name, file.stored.bytes)
    yield* whole(store.get(file.name), file, onBytes)
    yield tarPadding(file.stored.bytes)
  }
  yield tarEnd()
}

/** About how many bytes it will have. */
export function parcelSize({ files }: Manifest): number {
  return files.reduce((sum, { stored }) => sum + stored.bytes, 4096)
}

function header(name: string, size: number): Buffer {
  return tarHeader({ name, kind: 'file', size, mode: 0o600, target: '' })
}

/** Passes on exactly the bytes that the manifest tells of, or throws CORRUPT. */
async function* whole(source: Bytes, { name, stored }: FileRecord, onBytes: (done: number) => void): Bytes {
  const measured = meter(source, (done) => {
    if (done > stored.bytes) throw wrong(`${name} is longer than it was`)
    onBytes(done)
  })
  yield* measured.bytes
  const found = measured.digest()
  if (found.bytes !== stored.bytes) throw wrong(`${name} has ${found.bytes} bytes instead of ${stored.bytes}`)
  if (found.sha256 !== stored.sha256) throw wrong(`the SHA-256 of ${name} is not the one in its manifest`)
}

export interface Opened extends Named {
  /** Puts it into the store under its own name, or the next that is free. Throws CORRUPT when it is not whole, and then nothing is there. */
  into(store: Store, onBytes: (done: number) => void, signal: AbortSignal): Promise<Named>
  close(): Promise<void>
}

/** Reads as far as the manifest. The parcel itself may be compressed. */
export async function openParcel(source: Bytes): Promise<Opened> {
  const entries = entriesOf(decompress(source))
  try {
    const first = await entries.next().catch(refuseOther)
    if (first === undefined) throw wrong('it is empty')
    const stem = stemIn(first.name)
    if (stem === undefined || first.name.includes('/')) throw wrong(`it begins with ${JSON.stringify(first.name)}, which is no manifest`)
    const manifest = parseManifest(await text(first.bytes).catch(refuseLong), first.name)
    if (manifest.files.length !== 1) throw wrong('its manifest tells of more than one data file')
    return {
      stem,
      manifest,
      into: (store, onBytes, signal) => place(store, { stem, manifest }, entries, onBytes, signal),
      close: entries.close,
    }
  } catch (error) {
    await entries.close()
    throw error
  }
}

function refuseOther(error: unknown): never {
  if (!isCode(error, 'CORRUPT')) throw error
  throw wrong(`it is not what \`hayai snapshot export\` makes, or its first bytes are gone: ${messageOf(error)}`)
}

function refuseLong(error: unknown): never {
  throw error instanceof HayaiError ? error : wrong('its manifest is far too long')
}

const ATTEMPTS = 1000

async function place(store: Store, parcel: Named, entries: Entries, onBytes: (done: number) => void, signal: AbortSignal): Promise<Named> {
  const named = await claimFree(store, parcel)
  const [file] = named.manifest.files
  const [sent] = parcel.manifest.files
  if (file === undefined || sent === undefined) throw new Error('a manifest without a file passed the schema')
  let placed = false
  try {
    await store.put(file.name, received(entries, sent, onBytes, signal), { ifAbsent: true })
    placed = true
    await store.put(manifestNameOf(named.stem), encode(named.manifest), { ifAbsent: true })
  } catch (error) {
    const gone = placed ? store.delete(file.name) : Promise.resolve()
    await gone.then(() => release(store, named.stem)).catch(() => {}) // the note stays, then, and the next writer clears up
    throw error
  }
  await release(store, named.stem)
  return named
}

/** Ends only when the data file is whole and the archive has come to its end. */
async function* received(entries: Entries, file: FileRecord, onBytes: (done: number) => void, signal: AbortSignal): Bytes {
  const entry = await entries.next()
  if (entry === undefined) throw wrong(`${file.name} is not in it`)
  if (entry.name !== file.name) throw wrong(`${JSON.stringify(entry.name)} is in it, where ${file.name} should be`)
  for await (const chunk of whole(entry.bytes, file, onBytes)) {
    signal.throwIfAborted()
    yield chunk
  }
  const more = await entries.next()
  if (more !== undefined) throw wrong(`${JSON.stringify(more.name)} is in it too`)
}

async function claimFree(store: Store, { stem, manifest }: Named): Promise<Named> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const free = attempt === 1 ? stem : `${stem}-${attempt}`
    if ((await store.list(`${free}.`)).length > 0) continue
    const files = manifest.files.map((file) => ({ ...file, name: free + endingOf(file.name, stem) }))
    await claim(store, free, { file: files[0]?.name ?? '' })
    return { stem: free, manifest: { ...manifest, files, byHand: manifest.byHand.map((line) => line.replaceAll(stem, free)) } }
  }
  throw new HayaiError('CONFLICT', `there are ${ATTEMPTS} snapshots called ${stem}`, { hint: 'Import it into another folder with -d.' })
}

interface Entries {
  /** The next file; its bytes are to be read to their end before the one after it. undefined at the end of the archive. */
  next(): Promise<{ readonly name: string; readonly bytes: Bytes } | undefined>
  close(): Promise<void>
}

function entriesOf(source: Bytes): Entries {
  const reader = tarReader()
  const chunks = source[Symbol.asyncIterator]()
  const waiting: ReturnType<typeof reader.feed>[number][] = []
  async function more(): Promise<boolean> {
    const chunk = await chunks.next()
    if (chunk.done === true) {
      reader.end()
      return false
    }
    waiting.push(...reader.feed(chunk.value))
    return true
  }
  async function* content(size: number): Bytes {
    for (let left = size; left > 0;) {
      const event = waiting.shift()
      if (event === undefined) await more()
      else if ('bytes' in event) {
        left -= event.bytes.byteLength
        yield event.bytes
      } else throw wrong('a file of it is cut short')
    }
  }
  return {
    async next() {
      while (waiting.length === 0) if (!(await more())) return undefined
      const event = waiting.shift()
      if (event === undefined || !('header' in event)) throw wrong('it is out of step')
      const { name, kind, size } = event.header
      if (kind !== 'file') throw wrong(`${JSON.stringify(name)} in it is not a file`)
      return { name, bytes: content(size) }
    },
    async close() {
      await chunks.return?.()
    },
  }
}

function wrong(what: string): HayaiError {
  return new HayaiError('CORRUPT', `this is no whole snapshot: ${what}`, { hint: 'Nothing was kept. Have it exported and sent again.' })
}
