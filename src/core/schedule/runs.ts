// `.hayai/runs.jsonl`: one JSON line when a plan's run begins and one when it has ended, in the order in which that happened. It is only
// ever added to, and each line is on the disk before the work goes on; a last line that was cut short by a crash is passed over.

import { open } from 'node:fs/promises'
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { dirname } from 'node:path'
import { z } from 'zod'
import { exists, syncFolder } from '../../base/files.ts'
import type { RunRecord } from '../schedule-answers.ts'

/** From then on a schedule is looked after: what it wants from then on is made up for, what it wanted before is not. */
export interface Watched {
  readonly kind: 'watched'
  readonly plan: string
  /** The cron line and the time zone. */
  readonly schedule: string
  readonly at: string
}

export interface Began {
  readonly kind: 'began'
  readonly run: string
  readonly plan: string
  readonly slot: string | null
  readonly at: string
  readonly pid: number
}

export interface Ended extends RunRecord {
  readonly kind: 'ended'
}

export type Entry = Watched | Began | Ended

const time = z.iso.datetime()
const failure = z.object({ code: z.string(), message: z.string() })
const hook = z.object({
  hook: z.enum(['before', 'after', 'on_failure']),
  command: z.string(),
  exit: z.number().int().nullable(),
  how: z.enum(['exited', 'killed', 'timeout', 'interrupted', 'lost']),
  output: z.string(),
  seconds: z.number(),
})
const entrySchema: z.ZodType<Entry> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('watched'), plan: z.string(), schedule: z.string(), at: time }),
  z.object({
    kind: z.literal('began'),
    run: z.string(),
    plan: z.string(),
    slot: time.nullable(),
    at: time,
    pid: z.number().int(),
  }),
  z.object({
    kind: z.literal('ended'),
    run: z.string(),
    plan: z.string(),
    slot: time.nullable(),
    began: time,
    ended: time,
    outcome: z.enum(['done', 'failed', 'interrupted']),
    take: z.enum(['backup', 'snapshot']),
    backup: z.string().nullable(),
    databases: z.array(
      z.object({
        database: z.string(),
        snapshot: z.string().nullable(),
        bytes: z.number().nonnegative(),
        error: failure.nullable(),
      }),
    ),
    bytes: z.number().nonnegative(),
    verified: z.enum(['digest', 'restore']).nullable(),
    copies: z.array(z.object({ folder: z.string(), copied: z.array(z.string()), error: failure.nullable() })),
    deleted: z.array(z.string()),
    hooks: z.array(hook).default([]),
    error: failure.nullable(),
  }),
])

/** Returns when the line is on the disk. */
export async function noteRun(file: string, entry: Entry): Promise<void> {
  const line = `${JSON.stringify(entry)}\n`
  const isNew = !(await exists(file))
  const handle = await open(file, 'a+', 0o600)
  try {
    const { size } = await handle.stat()
    const last = Buffer.alloc(1)
    if (size > 0) await handle.read(last, 0, 1, size - 1)
    const cut = size > 0 && last.toString() !== '\n' // a crash has left half a line: it stays one of its own
    await handle.writeFile(cut ? `\n${line}` : line)
    await handle.sync()
  } finally {
    await handle.close()
  }
  if (isNew) await syncFolder(dirname(file))
}

/** Every line that can be read, the oldest first; none when there is no file. */
export async function* entriesOf(file: string): AsyncGenerator<Entry> {
  if (!(await exists(file))) return
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    const entry = parsed(line)
    if (entry !== undefined) yield entry
  }
}

/** Runs that are over, the newest first; of one plan, or of all. */
export async function runsOf(file: string, { plan, most = Infinity }: { readonly plan?: string; readonly most?: number } = {}) {
  const found: RunRecord[] = []
  for await (const entry of entriesOf(file)) {
    if (entry.kind !== 'ended' || (plan !== undefined && entry.plan !== plan)) continue
    const { kind: _, ...record } = entry
    found.push(record)
    if (found.length > most * 2) found.splice(0, found.length - most)
  }
  return found.toReversed().slice(0, most)
}

function parsed(line: string): Entry | undefined {
  try {
    return entrySchema.safeParse(JSON.parse(line)).data
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
