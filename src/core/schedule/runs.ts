// `.hayai/runs.jsonl`: one JSON line when a plan's run begins and one when it has ended, in the order in which that happened. It is only
// ever added to, and each line is on the disk before the work goes on; a last line that was cut short by a crash is passed over.

import { z } from 'zod'
import { appendJson, jsonIn } from '../../base/json-lines.ts'
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
export function noteRun(file: string, entry: Entry): Promise<void> {
  return appendJson(file, entry)
}

/** Every line that can be read, the oldest first; none when there is no file. */
export async function* entriesOf(file: string): AsyncGenerator<Entry> {
  for await (const value of jsonIn(file)) {
    const entry = entrySchema.safeParse(value).data
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
