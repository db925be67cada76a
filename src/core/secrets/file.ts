// `secrets_backend: file`: one file of age, encrypted for the project's recipients, which can be in git. The stock `age -d` opens it: JSON,
// a value by each name.

import { once } from '../../base/bytes.ts'
import { HayaiError } from '../../base/errors.ts'
import { makeFolder, readBytesIfThere, writeDurably } from '../../base/files.ts'
import { withLock } from '../../base/locks.ts'
import { Secret } from '../../base/secret.ts'
import { onFile } from '../../project/refusals.ts'
import { decrypt, encrypt, type Keyring } from '../../snapshots/age.ts'
import { dirname } from 'node:path'
import type { SecretBackend } from './backend.ts'

export interface SecretFile {
  readonly path: string
  /** As it was before its last change. */
  readonly previous: string
  readonly lock: string
  readonly recipients: readonly string[]
  readonly keyring: Keyring
}

export function fileBackend(file: SecretFile): SecretBackend {
  async function change(edit: (values: Map<string, string>) => void): Promise<void> {
    await makeFolder(dirname(file.lock))
    await withLock(file.lock, { purpose: 'changing secrets' }, async () => {
      const values = new Map(await readAll(file))
      edit(values)
      await writeAll(file, values)
    })
  }
  return {
    name: 'file',
    place: file.path,
    async read(name) {
      const value = (await readAll(file)).get(name)
      return value === undefined ? undefined : new Secret(value)
    },
    names: async () => [...(await readAll(file)).keys()].toSorted(),
    write: (name, value) => change((values) => void values.set(name, value.reveal())),
    remove: (name) => change((values) => void values.delete(name)),
    undo: () => `The file as it was before: ${file.previous}`,
  }
}

async function readAll({ path, recipients, keyring }: SecretFile): Promise<ReadonlyMap<string, string>> {
  const stored = await onFile(path, 'read', () => readBytesIfThere(path))
  if (stored === undefined) return new Map()
  const identities = await keyring.identities(recipients.length === 0 ? undefined : recipients)
  const parts: Uint8Array[] = []
  for await (const part of decrypt(once(stored), identities, false)) parts.push(part)
  return understood(Buffer.concat(parts).toString('utf8'), path)
}

// What was read is not quoted, nor made the cause of an error: it is a secret.
function understood(text: string, path: string): ReadonlyMap<string, string> {
  try {
    const entries = Object.entries(JSON.parse(text) as object)
    if (entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')) return new Map(entries)
  } catch {
    // told below
  }
  throw new HayaiError('CORRUPT', `${path} opens, and does not hold a text by each name, as JSON`, { hint: 'Put back a good copy of it.' })
}

async function writeAll({ path, previous, recipients }: SecretFile, values: ReadonlyMap<string, string>): Promise<void> {
  if (recipients.length === 0) {
    throw new HayaiError('CONFIG_INVALID', 'there is no recipient for whom secrets could be encrypted', {
      hint: 'Make a key for this project with `hayai keys create`.',
    })
  }
  const sorted = Object.fromEntries([...values].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  const plain = Buffer.from(`${JSON.stringify(sorted, null, 2)}\n`)
  const parts: Uint8Array[] = []
  for await (const part of encrypt(once(plain), recipients)) parts.push(part)
  await onFile(path, 'written', async () => {
    const before = await readBytesIfThere(path)
    if (before !== undefined) await writeDurably(previous, before)
    await writeDurably(path, Buffer.concat(parts))
  })
}
