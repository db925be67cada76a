// `.hayai/told.jsonl`: one JSON line for each time that somebody was told something, with what became of it. It is only ever added to.

import { z } from 'zod'
import { appendJson, jsonIn } from '../../base/json-lines.ts'
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

export function noteTold(file: string, told: Told): Promise<void> {
  return appendJson(file, told)
}

/** Every line that can be read, the oldest first. */
export async function toldIn(file: string): Promise<readonly Told[]> {
  const found: Told[] = []
  for await (const value of jsonIn(file)) {
    const told = schema.safeParse(value).data
    if (told !== undefined) found.push(told)
  }
  return found
}

/** The last delivery to each notification. */
export function lastDeliveries(all: readonly Told[]): ReadonlyMap<string, Delivery & { readonly at: string }> {
  return new Map(all.flatMap(({ at, deliveries }) => deliveries.map((each) => [each.notification, { ...each, at }] as const)))
}
