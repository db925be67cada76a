// The record of a snapshot. Written last: where there is no manifest, there is no snapshot. docs/FORMAT.md describes it
// for people who have to read one without Hayai. It holds no secret.

import { z } from 'zod'

export const FORMAT_VERSION = 1

const counts = z.record(z.string(), z.number().int())
const digest = { bytes: z.number().int().nonnegative(), sha256: z.string().regex(/^[0-9a-f]{64}$/) }

export const manifestSchema = z.object({
  formatVersion: z.literal(FORMAT_VERSION),
  id: z.string().regex(/^[0-9a-f]{32}$/),
  project: z.string(),
  database: z.string(),
  engine: z.string(),
  product: z.string(),
  /** The exact version of the server or library that was dumped. */
  version: z.string(),
  runtime: z.string(),
  format: z.string(),
  /** UTC. `instant` is the moment the data is of. */
  started: z.iso.datetime(),
  instant: z.iso.datetime(),
  finished: z.iso.datetime(),
  files: z
    .array(z.object({ name: z.string(), codec: z.enum(['none', 'gzip', 'zstd']), plain: z.object(digest), stored: z.object(digest) }))
    .min(1),
  /** age recipients; empty: not encrypted. */
  recipients: z.array(z.string()),
  census: z.object({ tables: counts, objects: counts }),
  notes: z.array(z.string()),
  tools: z.record(z.string(), z.string()),
  comment: z.string().nullable(),
  tags: z.array(z.string()),
  pinned: z.boolean(),
  askedBy: z.enum(['person', 'schedule', 'safety']),
  git: z.object({ branch: z.string().nullable(), commit: z.string() }).nullable(),
  verification: z.object({ at: z.iso.datetime(), ok: z.boolean(), detail: z.string() }).nullable(),
  /** What to type to restore it without Hayai. */
  byHand: z.array(z.string()),
})

export type Manifest = z.infer<typeof manifestSchema>
