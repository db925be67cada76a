// Which tables a person means, and what is in their way.

import { HayaiError } from '../../base/errors.ts'
import { partsOf } from '../../base/identifiers.ts'
import { nearest } from '../../base/nearest.ts'
import type { Transplant } from '../engine.ts'
import type { Session } from './session.ts'
import { name, shown } from './sql.ts'

export interface Named {
  readonly schema: string
  readonly name: string
}

export interface Relation extends Named {
  readonly oid: string
  /** r: table, p: partitioned table; v, m, f, S, i and others. */
  readonly kind: string
}

export interface Meant {
  readonly source: Relation
  readonly goal: Named
  /** The table of that name in the live database. */
  readonly there: Relation | undefined
}

export const relationShown = (relation: Named): string => `${shown(relation.schema)}.${shown(relation.name)}`
export const qualified = (relation: Named): string => `${name(relation.schema)}.${name(relation.name)}`

export async function findAll(twin: Session, live: Session, { wanted }: Transplant): Promise<readonly Meant[]> {
  const [inTwin, inLive] = [await relations(twin), await relations(live)]
  const meant: Meant[] = []
  for (const { name: word, as } of wanted) {
    const source = find(inTwin, word)
    const goal = as === undefined ? source : goalOf(as, source)
    if (meant.some((each) => qualified(each.goal) === qualified(goal))) {
      throw new HayaiError('USAGE', `two tables would be called ${relationShown(goal)}`, { hint: 'Give each another name: --as.' })
    }
    const there = inLive.find((each) => qualified(each) === qualified(goal))
    if (there !== undefined && !isTable(there)) {
      throw new HayaiError('CONFLICT', `${relationShown(goal)} is there already, and is ${article(there)}`, {
        hint: `Put the table beside it: --as ${shown(goal.name)}_old.`,
      })
    }
    meant.push({ source, goal, there })
  }
  return meant
}

export async function relations(session: Session): Promise<readonly Relation[]> {
  return session.query<Relation>(`
    SELECT c.oid::text AS oid, c.relkind::text AS kind, n.nspname AS schema, c.relname AS name
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 3, 4`)
}

export const isTable = ({ kind }: Relation): boolean => kind === 'r' || kind === 'p'

const KINDS: Readonly<Record<string, string>> = {
  v: 'a view',
  m: 'a materialised view',
  f: 'a foreign table',
  S: 'a sequence',
  i: 'an index',
}
const article = ({ kind }: Relation): string => KINDS[kind] ?? 'no table'

function find(all: readonly Relation[], word: string): Relation {
  const parts = partsOf(word, '"') ?? []
  const [first = '', second] = parts
  const named = all.filter((each) =>
    second === undefined ? each.name === first : parts.length === 2 && each.schema === first && each.name === second,
  )
  const tables = named.filter(isTable)
  const [only, another] = tables.length > 0 ? tables : all.filter((each) => isTable(each) && each.name === word)
  if (only !== undefined && another === undefined) return only
  if (only !== undefined) {
    const which = tables.map(relationShown)
    throw new HayaiError('CONFLICT', `${JSON.stringify(word)} may mean ${which.join(' or ')}`, {
      hint: `Write --table ${which[0]}.`,
      details: { matches: which },
    })
  }
  const [other] = named
  if (other !== undefined) {
    throw new HayaiError('NOT_FOUND', `${relationShown(other)} is ${article(other)} in the snapshot, and no table`, {
      hint: 'Restore the whole into another database, and take it from there: --to NAME.',
    })
  }
  const candidates = all.filter(isTable)
  const near = nearest(word, [...candidates.map(relationShown), ...candidates.map((each) => each.name)])
  throw new HayaiError('NOT_FOUND', `there is no table ${word} in the snapshot`, {
    hint: near === undefined ? 'Write it as schema.table; quote a part that holds a dot: \'"odd.name"\'.' : `Did you mean ${near}?`,
  })
}

function goalOf(as: string, { schema }: Named): Named {
  const parts = partsOf(as, '"')
  const [first, second] = parts ?? []
  if (first !== undefined && second === undefined) return { schema, name: first }
  if (first !== undefined && second !== undefined && parts?.length === 2) return { schema: first, name: second }
  throw new HayaiError('USAGE', `${JSON.stringify(as)} is no name of a table`, { hint: 'Write --as users_old, or --as old.users.' })
}

/** The tables themselves and all that are partitions or children of them, parents first. */
export async function withChildren(session: Session, oids: readonly string[]): Promise<readonly (Relation & { readonly root: string })[]> {
  if (oids.length === 0) return []
  return session.query<Relation & { root: string }>(`
    WITH RECURSIVE tree (oid, root, depth) AS (
      SELECT o, o, 0 FROM unnest(ARRAY[${oids.join(', ')}]::oid[]) AS o
      UNION ALL SELECT i.inhrelid, t.root, t.depth + 1 FROM tree t JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid)
    SELECT c.oid::text AS oid, c.relkind::text AS kind, n.nspname AS schema, c.relname AS name, min(t.root)::text AS root
    FROM tree t JOIN pg_catalog.pg_class c ON c.oid = t.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    GROUP BY c.oid, c.relkind, n.nspname, c.relname ORDER BY max(t.depth), n.nspname, c.relname`)
}
