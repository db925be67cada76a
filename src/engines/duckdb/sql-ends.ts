// How a dump begins and ends, so that one that was cut is known.

import type { Bytes } from '../../base/bytes.ts'
import { HayaiError } from '../../base/errors.ts'

export const FIRST_LINE = '-- DuckDB database, written by Hayai'
export const LAST_LINE = '-- end of the database'

const KEPT = 512

/** Passes the text on; throws CORRUPT at its end when that is missing. A text by another program ends with a whole statement. */
export async function* checkSql(bytes: Bytes): Bytes {
  let head = Buffer.alloc(0)
  let end = Buffer.alloc(0)
  for await (const chunk of bytes) {
    if (head.byteLength < FIRST_LINE.length) head = Buffer.concat([head, chunk.subarray(0, FIRST_LINE.length - head.byteLength)])
    end = Buffer.concat([end, chunk.subarray(-KEPT)]).subarray(-KEPT)
    yield chunk
  }
  const last = end.toString('latin1')
  const whole = head.toString('latin1') === FIRST_LINE ? last.endsWith(`\nCOMMIT;\n${LAST_LINE}\n`) : /;\s*$/.test(last)
  if (!whole) throw new HayaiError('CORRUPT', 'the SQL file is damaged: its end is missing', { hint: 'Use another snapshot.' })
}
