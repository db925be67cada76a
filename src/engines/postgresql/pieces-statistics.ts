// Extended statistics of tables: pg_dump leaves them out whenever it is told which tables to dump.

import { qualified } from './pieces-find.ts'
import type { Session } from './session.ts'
import { literal } from './sql.ts'

/** Statements that make them again, once the tables are there. */
export async function statisticsOf(twin: Session, tables: readonly string[]): Promise<string> {
  const rows = await twin.query<{
    schema: string
    name: string
    definition: string
    owner: string
    target: number | null
    comment: string | null
  }>(`
    SELECT n.nspname AS schema, s.stxname AS name, pg_catalog.pg_get_statisticsobjdef(s.oid) AS definition,
      pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(c.relowner)) AS owner, s.stxstattarget AS target,
      pg_catalog.obj_description(s.oid, 'pg_statistic_ext') AS comment
    FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace JOIN pg_catalog.pg_class c ON c.oid = s.stxrelid
    WHERE s.stxrelid IN (${tables.map((table) => `${literal(table)}::regclass`).join(', ')}) ORDER BY 1, 2`)
  return rows
    .flatMap(({ definition, owner, target, comment, ...named }) => [
      definition,
      `ALTER STATISTICS ${qualified(named)} OWNER TO ${owner}`, // that of its table, who is known there
      ...(target === null || target < 0 ? [] : [`ALTER STATISTICS ${qualified(named)} SET STATISTICS ${target}`]),
      ...(comment === null ? [] : [`COMMENT ON STATISTICS ${qualified(named)} IS ${literal(comment)}`]),
    ])
    .map((statement) => `${statement};\n`)
    .join('')
}
