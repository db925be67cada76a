// A digest of each table's rows, made by the server: the sum of a hash of every row's text, so that their order does not matter.

import type { Outline as Catalogued } from './catalog.ts'
import type { Session } from './session.ts'
import { block, literal, name, shown } from './sql.ts'

// What the text of a value depends on, besides the value.
const PLAIN = `SET LOCAL search_path TO ''; SET LOCAL bytea_output TO 'hex'; SET LOCAL extra_float_digits TO 1;
  SET LOCAL "IntervalStyle" TO 'postgres'; SET LOCAL lc_monetary TO 'C'; SET LOCAL row_security TO off;
  SET LOCAL "TimeZone" TO 'UTC'; SET LOCAL "DateStyle" TO 'ISO'`

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
    const digest = await digestOfRows(session, `${name(schema)}.${name(relation)}`)
    found.push([`${prefix}${shown(schema)}.${shown(relation)}`, digest])
  }
  return found
}

/** By full name: of each table alone, without its partitions and children, which may be among them. */
export async function digestsOf(session: Session, tables: readonly string[]): Promise<Readonly<Record<string, string>>> {
  await session.query('BEGIN TRANSACTION READ ONLY')
  try {
    for (const setting of PLAIN.split(';')) await session.query(setting)
    const found: Record<string, string> = {}
    for (const table of tables) found[table] = await digestOfRows(session, table)
    return found
  } finally {
    await session.query('ROLLBACK')
  }
}

async function digestOfRows(session: Session, table: string): Promise<string> {
  const [row] = await session.query<{ digest: string }>(`SELECT ${DIGEST} AS digest FROM ONLY ${table} AS "hayai row"`)
  return row?.digest ?? ''
}

const DIGEST = `coalesce(sum(hashtextextended((ROW("hayai row".*))::text, 7)::numeric), 0)::text`

/** Part of a transaction: it fails, with these words, when the rows are others. */
export function holding(table: string, digests: readonly string[], words: string): string {
  const known = digests.map(literal).join(', ')
  return `${PLAIN};\n${block(
    `IF (SELECT ${DIGEST} FROM ONLY ${table} AS "hayai row") NOT IN (${known}) THEN`,
    `  RAISE EXCEPTION '%', ${literal(words)};`,
    'END IF;',
  )}`
}
