// A digest of each table's rows, made by the server: the sum of a hash of every row's text, so that their order does not matter.

import type { Outline as Catalogued } from './catalog.ts'
import type { Session } from './session.ts'
import { name, shown } from './sql.ts'

// What the text of a value depends on, besides the value.
const PLAIN = `SET LOCAL search_path TO ''; SET LOCAL bytea_output TO 'hex'; SET LOCAL extra_float_digits TO 1;
  SET LOCAL "IntervalStyle" TO 'postgres'; SET LOCAL lc_monetary TO 'C'; SET LOCAL row_security TO off`

/** To be asked in a transaction. */
export async function readDigests(
  session: Session,
  prefix: string,
  { relations }: Catalogued,
): Promise<readonly (readonly [string, string])[]> {
  for (const setting of PLAIN.split(';')) await session.query(setting)
  const found: (readonly [string, string])[] = []
  for (const { kind, schema, name: relation } of relations) {
    if (kind !== 'r') continue
    const [row] = await session.query<{ digest: string }>(
      `SELECT coalesce(sum(hashtextextended((ROW("hayai row".*))::text, 7)::numeric), 0)::text AS digest
       FROM ONLY ${name(schema)}.${name(relation)} AS "hayai row"`,
    )
    found.push([`${prefix}${shown(schema)}.${shown(relation)}`, row?.digest ?? ''])
  }
  return found
}
