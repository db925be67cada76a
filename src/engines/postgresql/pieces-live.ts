// What in the live database depends on a table that is about to be replaced: foreign keys and views are made again after it.
// Anything else that depends on it makes the server refuse, and nothing happens.

import { qualified, withChildren, type Relation } from './pieces-find.ts'
import type { ForeignKey } from './pieces-twin.ts'
import type { Session } from './session.ts'
import { name, shown } from './sql.ts'

export interface Dependents {
  /** Foreign keys of other tables. */
  readonly incoming: readonly ForeignKey[]
  /** Those that shall be there afterwards, where they are not the same. */
  readonly again?: readonly ForeignKey[]
  /** Those that read the table come first, those that read them after. */
  readonly views: readonly { readonly qualified: string; readonly kind: string }[]
  readonly notes: readonly string[]
}

export async function dependents(live: Session, replaced: readonly Relation[]): Promise<Dependents> {
  if (replaced.length === 0) return { incoming: [], views: [], notes: [] }
  const tree = await withChildren(
    live,
    replaced.map(({ oid }) => oid),
  )
  const list = `ARRAY[${tree.map(({ oid }) => oid).join(', ')}]::oid[]`
  const incoming = await live.query<{ schema: string; table: string; constraint: string; definition: string }>(`
    SELECT n.nspname AS schema, c.relname AS table, k.conname AS constraint, pg_catalog.pg_get_constraintdef(k.oid) AS definition
    FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE k.contype = 'f' AND k.conparentid = 0 AND k.confrelid = ANY (${list}) AND k.conrelid <> ALL (${list})`)
  const views = await live.query<Relation>(`
    WITH RECURSIVE reader (oid, depth) AS (
      SELECT r.ev_class, 1 FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
      WHERE d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass
        AND d.refobjid = ANY (${list}) AND r.ev_class <> ALL (${list})
      UNION SELECT r.ev_class, v.depth + 1 FROM reader v JOIN pg_catalog.pg_depend d ON d.refobjid = v.oid
        JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
      WHERE d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass AND r.ev_class <> v.oid)
    SELECT c.oid::text AS oid, c.relkind::text AS kind, n.nspname AS schema, c.relname AS name
    FROM reader JOIN pg_catalog.pg_class c ON c.oid = reader.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('v', 'm') GROUP BY 1, 2, 3, 4 ORDER BY max(depth), 3, 4`)
  const published = await live.query<{ publication: string; table: string }>(`
    SELECT p.pubname AS publication, c.relname AS table FROM pg_catalog.pg_publication_rel r
    JOIN pg_catalog.pg_publication p ON p.oid = r.prpubid JOIN pg_catalog.pg_class c ON c.oid = r.prrelid WHERE r.prrelid = ANY (${list})`)
  return {
    incoming: incoming.map((key) => ({ ...key, qualified: qualified({ schema: key.schema, name: key.table }) })),
    views: views.map((view) => ({ qualified: qualified(view), kind: view.kind })),
    notes: published.map(
      ({ publication, table }) => `The publication ${shown(publication)} has lost ${shown(table)}: ALTER PUBLICATION adds it again.`,
    ),
  }
}

export function dropping({ incoming, views }: Dependents, replaced: readonly Relation[]): string {
  return [
    ...views.toReversed().map((view) => `DROP ${view.kind === 'm' ? 'MATERIALIZED VIEW' : 'VIEW'} ${view.qualified};\n`),
    ...incoming.map((key) => `ALTER TABLE ${key.qualified} DROP CONSTRAINT ${name(key.constraint)};\n`),
    ...(replaced.length === 0 ? [] : [`DROP TABLE ${replaced.map(qualified).join(', ')};\n`]),
  ].join('')
}

export function returning(gone: Dependents): string {
  return keysAfter(gone).map(adding).join('')
}

export function keysAfter({ incoming, again = [] }: Dependents): readonly ForeignKey[] {
  const named = (key: ForeignKey): string => JSON.stringify([key.qualified, key.constraint])
  const others = incoming.filter((key) => again.every((each) => named(each) !== named(key)))
  return [...others, ...again]
}

/** Where rows refer to what is not there, new rows are held to it and the old ones are not; what cannot be made at all is found out after. */
export function adding({ qualified: table, constraint, definition }: ForeignKey): string {
  const statement = `ALTER TABLE ${table} ADD CONSTRAINT ${name(constraint)} ${definition}`
  const quote = (sql: string): string => `'${sql.replaceAll("'", "''")}'`
  const lenient = `${statement.replace(/ NOT VALID$/, '')} NOT VALID`
  const inner = [
    `BEGIN EXECUTE ${quote(statement)};`,
    `EXCEPTION WHEN foreign_key_violation THEN`,
    `  BEGIN EXECUTE ${quote(lenient)};`,
    `  EXCEPTION WHEN OTHERS THEN NULL; END;`,
  ]
  return `DO ${dollar(statement)}\nBEGIN\n  ${[...inner, 'WHEN OTHERS THEN NULL; END;'].join('\n  ')}\nEND\n${dollar(statement)};\n`
}

function dollar(body: string): string {
  let quote = '$hayai$'
  for (let n = 1; body.includes(quote); n += 1) quote = `$hayai${n}$`
  return quote
}
