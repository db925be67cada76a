// The outline as the manifest keeps it: JSON, gzip, base64. As plain JSON that of a hundred thousand tables would be larger than
// all else that a list of snapshots has to read.

import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { z } from 'zod'
import { HayaiError } from '../base/errors.ts'
import type { Outline } from '../engines/engine.ts'

const MOST = 8 * 1024 * 1024
const MOST_UNPACKED = 1024 * 1024 * 1024

/** undefined when it is too large to be kept; then a comparison restores the snapshot aside, and asks there. */
export async function packOutline(outline: Outline): Promise<string | undefined> {
  const packed = (await promisify(gzip)(JSON.stringify(outline), { level: 6 })).toString('base64')
  return packed.length > MOST ? undefined : packed
}

export async function unpackOutline(packed: string): Promise<Outline> {
  try {
    const plain = await promisify(gunzip)(Buffer.from(packed, 'base64'), { maxOutputLength: MOST_UNPACKED })
    return schema.parse(JSON.parse(plain.toString('utf8')))
  } catch (error) {
    throw new HayaiError('CORRUPT', 'the outline in the manifest is damaged', {
      hint: 'The snapshot may be whole: hayai snapshot verify REF',
      cause: error,
    })
  }
}

const named = z.record(z.string(), z.string())
const column = z.object({ type: z.string(), nullable: z.boolean(), default: z.string().nullable() })
const schema: z.ZodType<Outline> = z.object({
  bytes: z.number().optional(),
  tables: z.record(z.string(), z.object({ columns: z.record(z.string(), column), parts: z.record(z.string(), named) })),
  objects: z.record(z.string(), named),
})
