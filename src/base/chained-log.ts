// A log that is only ever added to, one JSON line for each entry, in which a change shows. Each line ends with a digest of itself and of
// the line before, and a small file beside the log keeps the last digest and how long the log was: so a line that was changed, put in or
// taken out is found, also at the end. Whoever can write both files can make them fit again: this finds accidents and careless hands.
//
// A line is on the disk when append() returns. A line that a crash has cut is passed over and told; the chain goes on without it.

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { exists, giveToOwner, readIfThere, syncFolder, writeDurably } from './files.ts'
import { withLock } from './locks.ts'

export interface ChainedLog {
  readonly log: string
  /** The last digest, and the length. */
  readonly head: string
  readonly lock: string
}

export type Entry = Readonly<Record<string, unknown>>

/** Returns when it is on the disk. Any number of processes may do so at once. */
export async function append({ log, head, lock }: ChainedLog, entry: Entry): Promise<void> {
  await withLock(lock, { purpose: 'writing the audit log' }, async () => {
    const isNew = !(await exists(log))
    const handle = await open(log, 'a+', 0o600)
    try {
      if (isNew) await giveToOwner(handle, dirname(log))
      const { size } = await handle.stat()
      const kept = headIn(await readIfThere(head))
      // Where the log is shorter than it was, the chain goes on from what is missing: so it stays visible that something is.
      const before = kept !== undefined && size < kept.bytes ? kept.digest : await lastDigest(handle, size)
      const text = JSON.stringify(entry)
      const digest = digestOf(before, text)
      const cut = size > 0 && (await readAt(handle, size - 1, 1)) !== '\n' // a crash has left half a line: it stays one of its own
      await handle.writeFile(`${cut ? '\n' : ''}${text.slice(0, -1)},"hash":"${digest}"}\n`)
      await handle.sync()
      await writeDurably(head, `${JSON.stringify({ digest, bytes: (await handle.stat()).size })}\n`)
    } finally {
      await handle.close()
    }
    if (isNew) await syncFolder(dirname(log))
  })
}

export type Line =
  | { readonly kind: 'entry'; readonly number: number; readonly entry: Entry }
  /** Half a line: a crash, or a full disk. */
  | { readonly kind: 'cut'; readonly number: number }
  /** What is there is not what was written. */
  | { readonly kind: 'flaw'; readonly number: number; readonly what: string }

/** Every line, the oldest first, and what is wrong with the log where it is. Lines from before there were digests are entries too. */
export async function* linesOf({ log, head }: Pick<ChainedLog, 'log' | 'head'>): AsyncGenerator<Line> {
  const kept = headIn(await readIfThere(head))
  let number = 0
  let [before, chained, headSeen] = ['', 0, kept === undefined]
  if (await exists(log)) {
    for await (const line of createInterface({ input: createReadStream(log), crlfDelay: Infinity })) {
      number++
      const { entry, text, digest } = taken(line)
      if (entry === undefined) {
        yield { kind: 'cut', number }
        continue
      }
      if (digest === undefined) {
        if (chained > 0) yield { kind: 'flaw', number, what: 'this line was put in by another hand' }
      } else {
        if (digestOf(before, text) !== digest) {
          yield { kind: 'flaw', number, what: 'this line was changed, or one before it is missing' }
        }
        before = digest
        chained++
        headSeen ||= digest === kept?.digest
      }
      yield { kind: 'entry', number, entry }
    }
  }
  if (!headSeen) yield { kind: 'flaw', number: number + 1, what: 'lines are missing at the end' }
  if (kept === undefined && chained > 1) yield { kind: 'flaw', number, what: 'the note of the last line is missing' }
}

/** The last digest in the log; empty when there is none yet. */
async function lastDigest(handle: FileHandle, size: number): Promise<string> {
  for (let length = Math.min(size, 16 * 1024); ; length = Math.min(size, length * 4)) {
    const lines = (await readAt(handle, size - length, length)).split('\n')
    const whole = length < size ? lines.slice(1) : lines // the first may be the end of a longer one
    const digest = whole.map((line) => taken(line)).findLast((line) => line.digest !== undefined)?.digest
    if (digest !== undefined || length === size) return digest ?? ''
  }
}

async function readAt(handle: FileHandle, from: number, length: number): Promise<string> {
  const bytes = Buffer.alloc(length)
  const { bytesRead } = await handle.read(bytes, 0, length, from)
  return bytes.toString('utf8', 0, bytesRead)
}

const ENDING = /,"hash":"([0-9a-f]{64})"\}$/

function taken(line: string): { readonly entry?: Entry; readonly text: string; readonly digest?: string } {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return { text: line }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { text: line }
  const { hash: _, ...entry } = value as Record<string, unknown>
  const digest = ENDING.exec(line)?.[1]
  return digest === undefined ? { entry, text: line } : { entry, text: line.replace(ENDING, '}'), digest }
}

function digestOf(before: string, text: string): string {
  return createHash('sha256').update(`${before}\n${text}`).digest('hex')
}

function headIn(text: string | undefined): { readonly digest: string; readonly bytes: number } | undefined {
  const found = /^\{"digest":"([0-9a-f]{64})","bytes":(\d+)\}/.exec(text ?? '')
  return found?.[1] === undefined ? undefined : { digest: found[1], bytes: Number(found[2]) }
}
