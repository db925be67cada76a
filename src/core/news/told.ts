// `.hayai/told.jsonl`: one JSON line for each time that somebody was told something, with what became of it. It is only ever added to.

import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { exists } from '../../base/files.ts'
import type { Delivery } from '../news-answers.ts'

export interface Told {
  readonly at: string
  readonly plan: string | null
  readonly run: string | null
  readonly deliveries: readonly Delivery[]
}

const schema: z.ZodType<Told> = z.object({
  at: z.iso.datetime(),
  plan: z.string().nullable(),
  run: z.string().nullable(),
  deliveries: z.array(
    z.object({
      notification: z.string(),
      event: z.enum(['failure', 'recovery', 'silence', 'success', 'test']),
      ok: z.boolean(),
      tries: z.number().int(),
      error: z.string().nullable(),
    }),
  ),
})

export async function noteTold(file: string, told: Told): Promise<void> {
  const handle = await open(file, 'a+', 0o600)
  try {
    const { size } = await handle.stat()
    const last = Buffer.alloc(1)
    if (size > 0) await handle.read(last, 0, 1, size - 1)
    const cut = size > 0 && last.toString() !== '\n' // a crash has left half a line: it stays one of its own
    await handle.writeFile(`${cut ? '\n' : ''}${JSON.stringify(told)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Every line that can be read, the oldest first. */
export async function toldIn(file: string): Promise<readonly Told[]> {
  const found: Told[] = []
  if (!(await exists(file))) return found
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    try {
      const told = schema.safeParse(JSON.parse(line)).data
      if (told !== undefined) found.push(told)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
    }
  }
  return found
}

/** The last delivery to each notification. */
export function lastDeliveries(all: readonly Told[]): ReadonlyMap<string, Delivery & { readonly at: string }> {
  return new Map(all.flatMap(({ at, deliveries }) => deliveries.map((each) => [each.notification, { ...each, at }] as const)))
}
