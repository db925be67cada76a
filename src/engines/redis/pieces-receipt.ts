// Which keys were put in, and what each of them held then: a file that is written before each batch, so that no number of keys is held
// in memory.

import { open } from 'node:fs/promises'
import { jsonIn } from '../../base/json-lines.ts'

export interface Entry {
  readonly db: number
  readonly key: Buffer
  readonly digest: string
}

export interface Receipt {
  /** Returns when the entries are on the disk. */
  add(entries: readonly Entry[]): Promise<void>
  close(): Promise<void>
}

export async function makeReceipt(file: string): Promise<Receipt> {
  const handle = await open(file, 'ax', 0o600)
  return {
    async add(entries) {
      await handle.write(entries.map(({ db, key, digest }) => `${JSON.stringify([db, key.toString('base64'), digest])}\n`).join(''))
      await handle.datasync()
    },
    close: () => handle.close(),
  }
}

const AT_ONCE = 500

/** Each batch is of one db; nothing when there is no such file. */
export async function* batchesIn(file: string): AsyncIterable<readonly Entry[]> {
  let batch: Entry[] = []
  for await (const line of jsonIn(file)) {
    const entry = entryOf(line)
    if (batch.length >= AT_ONCE || (batch.length > 0 && batch[0]?.db !== entry.db)) {
      yield batch
      batch = []
    }
    batch.push(entry)
  }
  if (batch.length > 0) yield batch
}

function entryOf(line: unknown): Entry {
  const [db, key, digest] = Array.isArray(line) ? (line as readonly unknown[]) : []
  return { db: Number(db), key: Buffer.from(String(key), 'base64'), digest: String(digest) }
}
