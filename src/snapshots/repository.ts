// Snapshots in a store: a data file and a manifest each. A snapshot is there when its manifest is.

import { meter, type Bytes, type Meter } from '../base/bytes.ts'
import { HayaiError, isCode } from '../base/errors.ts'
import type { Dump } from '../engines/engine.ts'
import type { Store } from '../stores/store.ts'
import { decrypt, decryptIfEncrypted, NO_KEYS, type Keyring } from './age.ts'
import { decompress } from './decompress.ts'
import { list, readManifest, type Listed } from './listing.ts'
import type { FileRecord, Manifest } from './manifest.ts'
import { manifestNameOf } from './naming.ts'
import { encode, save, type Draft, type SaveOptions } from './saving.ts'

export { isTakenOf, looksLikeCopy, refuseUnread, type Listed } from './listing.ts'

export interface Repository {
  /** Returns when data and manifest are durable. When it throws, nothing that looks like a snapshot is left. */
  save(draft: Draft, dump: Dump, options: SaveOptions): Promise<Manifest>
  list(): Promise<readonly Listed[]>
  /** The plain bytes. Throws CORRUPT when they do not decrypt or decompress, or are not as many as they were. */
  open(manifest: Manifest): Bytes
  /** The same; and CORRUPT at their end when the stored bytes are not those that were written, as verifyDigest() has it. */
  openDigested(manifest: Manifest): Bytes
  /** The plain bytes of a foreign file, whatever it is compressed with, and encrypted or not. */
  openForeign(name: string): Bytes
  /** Throws NOT_FOUND when it is encrypted and cannot be opened here. Reads nothing of it. */
  checkReadable(manifest: Manifest): Promise<void>
  /** Throws CORRUPT when the stored bytes are not those that were written: first by their number, then by SHA-256. */
  verifyDigest(manifest: Manifest, onBytes: (done: number, total: number) => void, signal: AbortSignal): Promise<void>
  /** Replaces the manifest as a whole, by one that differs in what may change: verification, comment, tags, pinned. */
  update(stem: string, change: Partial<Pick<Manifest, 'verification' | 'comment' | 'tags' | 'pinned'>>): Promise<Manifest>
}

export function repository(store: Store, keyring: Keyring = NO_KEYS): Repository {
  return {
    save: (draft, dump, options) => save(store, draft, dump, options),
    list: () => list(store),
    open: (manifest) => unpacked(store.get(dataOf(manifest).name), dataOf(manifest), manifest.recipients, keyring),
    openDigested: (manifest) => openDigested(store, dataOf(manifest), manifest.recipients, keyring),
    openForeign: (name) => decompress(decryptIfEncrypted(store.get(name), keyring)),
    async checkReadable({ recipients }) {
      if (recipients.length > 0) await keyring.identities(recipients)
    },
    verifyDigest: (manifest, onBytes, signal) => verifyDigest(store, dataOf(manifest), onBytes, signal),
    async update(stem, change) {
      const key = manifestNameOf(stem)
      const manifest = { ...(await readManifest(store, key, (await store.stat(key)).bytes)), ...change }
      await store.put(key, encode(manifest), { ifAbsent: false })
      return manifest
    },
  }
}

async function* unpacked(stored: Bytes, file: FileRecord, recipients: readonly string[], keyring: Keyring): Bytes {
  let total = 0
  const identities = recipients.length === 0 ? [] : await keyring.identities(recipients)
  const packed = recipients.length === 0 ? stored : decrypt(stored, identities, true)
  for await (const chunk of decompress(packed, file.codec)) {
    total += chunk.byteLength
    yield chunk
  }
  if (total !== file.plain.bytes) throw corrupt(file, `unpacked it has ${total} bytes instead of ${file.plain.bytes}`)
}

async function* openDigested(store: Store, file: FileRecord, recipients: readonly string[], keyring: Keyring): Bytes {
  await compareSize(store, file)
  const measured = meter(store.get(file.name))
  yield* unpacked(measured.bytes, file, recipients, keyring)
  compareDigest(file, measured)
}

async function verifyDigest(
  store: Store,
  file: FileRecord,
  onBytes: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<void> {
  await compareSize(store, file)
  const measured = meter(store.get(file.name), (done) => onBytes(done, file.stored.bytes))
  for await (const _ of measured.bytes) signal.throwIfAborted()
  compareDigest(file, measured)
}

async function compareSize(store: Store, file: FileRecord): Promise<void> {
  const { bytes } = await store.stat(file.name).catch((error: unknown) => {
    throw isCode(error, 'NOT_FOUND') ? corrupt(file, 'it is gone') : error
  })
  if (bytes !== file.stored.bytes) throw corrupt(file, `it has ${bytes} bytes instead of ${file.stored.bytes}`)
}

function compareDigest(file: FileRecord, measured: Meter): void {
  const { sha256 } = measured.digest()
  if (sha256 === file.stored.sha256) return
  throw corrupt(file, `its SHA-256 is ${sha256.slice(0, 16)}… instead of ${file.stored.sha256.slice(0, 16)}…`, sha256)
}

function corrupt({ name, stored }: FileRecord, found: string, sha256?: string): HayaiError {
  return new HayaiError('CORRUPT', `${name} is not as it was written: ${found}`, {
    hint: 'Nothing was changed. Restore another snapshot: `hayai snapshot list`.',
    details: { file: name, expected: stored, ...(sha256 !== undefined && { found: sha256 }) },
  })
}

function dataOf(manifest: Manifest): FileRecord {
  const [file] = manifest.files
  if (file === undefined) throw new Error('a manifest without a file passed the schema')
  return file
}
