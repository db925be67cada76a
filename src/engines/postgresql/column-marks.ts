// A number that servers put on each column since the minor releases of November 2026 (15.20 is one): `pg_attver`, among the options
// of the column, where pg_dump finds it and writes it down. A server that does not have it takes it for a mistake and stops. So for
// such a one it is left out; those that have it put one of their own on whatever is made.

import type { Bytes } from '../../base/bytes.ts'
import type { Session } from './session.ts'

/** Whether the server puts them on its columns, and so knows them in a dump. */
export async function marksColumns(session: Session): Promise<boolean> {
  await session.query('CREATE TEMPORARY TABLE hayai_probe (i int)')
  const [row] = await session.query<{ marked: boolean }>(
    `SELECT COALESCE(attoptions::text LIKE '%pg_attver=%', false) AS marked FROM pg_attribute WHERE attrelid = 'pg_temp.hayai_probe'::regclass AND attnum = 1`,
  )
  await session.query('DROP TABLE pg_temp.hayai_probe')
  return row?.marked === true
}

const NEWLINE = 0x0a
const END_OF_ROWS = Buffer.from('\n\\.\n')
const FROM_STDIN = Buffer.from(' FROM stdin;')
const HEADING = /^-- (?:Data for )?Name: .*?; Type: ([A-Z ]+); Schema: /
/** As pg_dump writes the options of a column (dumpTableSchema in its source): the mark is the first. */
const OPTIONS = /^(ALTER (?:FOREIGN )?TABLE ONLY .* ALTER COLUMN .* SET \()pg_attver=\d+(?:, (.*))?\);$/s
const HAS_COLUMNS: ReadonlySet<string> = new Set(['TABLE', 'VIEW', 'MATERIALIZED VIEW', 'FOREIGN TABLE'])

/** The dump without these marks. What looks like one among rows, or in the body of a function, stays as it is. */
export async function* withoutColumnMarks(source: Bytes): Bytes {
  let section = ''
  let amongRows = false
  let kept: Buffer = Buffer.alloc(0) // the beginning of a line, or the last bytes among rows
  for await (const chunk of source) {
    const here = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const bytes = kept.length === 0 ? here : Buffer.concat([kept, here])
    let [given, at] = [0, 0]
    while (at < bytes.length) {
      if (amongRows) {
        const found = bytes.indexOf(END_OF_ROWS, at)
        amongRows = found === -1
        if (found === -1) {
          at = Math.max(at, bytes.length - END_OF_ROWS.length + 1)
          break
        }
        at = found + END_OF_ROWS.length
        continue
      }
      const end = bytes.indexOf(NEWLINE, at)
      if (end === -1) break
      const line = bytes.subarray(at, end)
      if (line[0] === 0x2d) section = HEADING.exec(line.toString('latin1'))?.[1] ?? section
      else if (section === 'TABLE DATA' && line.subarray(-FROM_STDIN.length).equals(FROM_STDIN)) {
        amongRows = true
        at = end // with its newline, which may be the one before the end
        continue
      } else if (line[0] === 0x41 && HAS_COLUMNS.has(section)) {
        const [, alter, others] = OPTIONS.exec(line.toString('latin1')) ?? []
        if (alter !== undefined) {
          if (at > given) yield bytes.subarray(given, at)
          if (others !== undefined) yield Buffer.from(`${alter}${others});\n`, 'latin1')
          given = end + 1
        }
      }
      at = end + 1
    }
    if (at > given) yield bytes.subarray(given, at)
    kept = Buffer.from(bytes.subarray(at)) // the chunk's memory may be used again
  }
  if (kept.length > 0) yield kept
}
