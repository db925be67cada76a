// What a manifest that is read must look like: the type Manifest, as a check.

import { z } from 'zod'
import { FORMAT_VERSION, type Manifest } from './manifest.ts'

const counts = z.record(z.string(), z.number().int())
const digest = z.object({ bytes: z.number().int().nonnegative(), sha256: z.string().regex(/^[0-9a-f]{64}$/) })

export const manifestSchema: z.ZodType<Manifest> = z.object({
  formatVersion: z.literal(FORMAT_VERSION),
  id: z.string().regex(/^[0-9a-f]{32}$/),
  project: z.string(),
  database: z.string(),
  engine: z.string(),
  product: z.string(),
  version: z.string(),
  runtime: z.string(),
  image: z.object({ name: z.string(), digest: z.string().nullable() }).optional(),
  format: z.string(),
  started: z.iso.datetime(),
  instant: z.iso.datetime(),
  finished: z.iso.datetime(),
  files: z.array(z.object({ name: z.string(), codec: z.enum(['none', 'gzip', 'zstd']), plain: digest, stored: digest })).min(1),
  recipients: z.array(z.string()),
  census: z.object({ tables: counts, objects: counts, moving: z.boolean().optional(), resting: z.boolean().optional() }),
  outline: z.string().optional(),
  notes: z.array(z.string()),
  tools: z.record(z.string(), z.string()),
  comment: z.string().nullable(),
  tags: z.array(z.string()),
  pinned: z.boolean(),
  askedBy: z.enum(['person', 'schedule', 'safety']),
  plan: z.string().optional(),
  git: z.object({ branch: z.string().nullable(), commit: z.string() }).nullable(),
  verification: z.object({ at: z.iso.datetime(), ok: z.boolean(), detail: z.string() }).nullable(),
  byHand: z.array(z.string()),
})
