// Makes the tables in the twin ready for the live database: they get the names that they shall have there, and lose what they
// cannot have there. All that is lost is told.

import { qualified, withChildren, type Meant, type Named, type Relation } from './pieces-find.ts'
import { adding } from './pieces-live.ts'
import type { Session } from './session.ts'
import { name, shown } from './sql.ts'

export interface ForeignKey {
  readonly qualified: string
  readonly constraint: string
  readonly definition: string
}

export interface Fitted {
  /** By their full names in the live database, parents first. */
  readonly tables: readonly string[]
  readonly notes: readonly string[]
}

interface Around {
  /** Tables of the live database that will not be there any more. */
  readonly replaced: readonly Relation[]
  /** Who owns what belongs to nobody that the live server knows. */
  readonly login: string
}

export async function fitInto(twin: Session, live: Session, meant: readonly Meant[], { replaced, login }: Around): Promise<Fitted> {
  const roots = meant.map(({ source }) => source.oid)
  const tree = await withChildren(twin, roots)
  const oids = tree.map(({ oid }) => oid)
  const notes = await leaveParents(twin, oids)
  await rename(twin, meant, tree)
  const taken = await takenNames(live, replaced)
  const former = new Map(tree.map((table) => [table.oid, table.name]))
  for (const part of await partsOfTables(twin, oids)) await freeName(twin, part, former.get(part.oid) ?? '', taken)
  notes.push(...(await knownRoles(twin, live, oids, login)))
  return { tables: (await withChildren(twin, roots)).map(qualified), notes }
}

/** A partition comes as a table by itself. */
async function leaveParents(twin: Session, oids: readonly string[]): Promise<string[]> {
  const parents = await twin.query<{ child: string; parent: string; partition: boolean; said: string }>(`
    SELECT i.inhrelid::regclass::text AS child, i.inhparent::regclass::text AS parent, c.relispartition AS partition, c.relname AS said
    FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
    WHERE i.inhrelid IN (${oids.join(', ')}) AND i.inhparent NOT IN (${oids.join(', ')})`)
  for (const { child, parent, partition } of parents) {
    await twin.query(partition ? `ALTER TABLE ${parent} DETACH PARTITION ${child}` : `ALTER TABLE ${child} NO INHERIT ${parent}`)
  }
  return parents.map(({ said, parent }) => `${shown(said)} comes as a table by itself, no longer a part of ${parent}.`)
}

async function rename(twin: Session, meant: readonly Meant[], tree: readonly (Relation & { readonly root: string })[]): Promise<void> {
  const moves = meant.filter(({ source, goal }) => qualified(source) !== qualified(goal))
  const steps = moves.flatMap(({ source, goal }) =>
    tree
      .filter(({ root }) => root === source.oid)
      .map((table) => ({
        table,
        goal: table.oid === source.oid ? goal : { schema: goal.schema, name: cut(`${goal.name}_${table.name}`) },
      })),
  )
  // By way of names that nobody has: a table may get the name of another that is renamed too.
  const temporary = (table: Relation): Named => ({ schema: table.schema, name: `hayai_${table.oid}` })
  for (const { table } of steps) await twin.query(`ALTER TABLE ${qualified(table)} RENAME TO ${name(temporary(table).name)}`)
  for (const { table, goal } of steps) {
    await twin.query(`CREATE SCHEMA IF NOT EXISTS ${name(goal.schema)}`)
    await outOfTheWay(twin, goal)
    const now = temporary(table)
    if (goal.schema !== table.schema) await twin.query(`ALTER TABLE ${qualified(now)} SET SCHEMA ${name(goal.schema)}`)
    await twin.query(`ALTER TABLE ${qualified({ schema: goal.schema, name: now.name })} RENAME TO ${name(goal.name)}`)
  }
}

/** Whatever has the name in the twin keeps another one. */
async function outOfTheWay(twin: Session, { schema, name: relation }: Named): Promise<void> {
  const literal = (value: string): string => `'${value.replaceAll("'", "''")}'`
  const [there] = await twin.query<{ kind: string }>(`
    SELECT c.relkind::text AS kind FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ${literal(schema)} AND c.relname = ${literal(relation)}`)
  if (there === undefined) return
  const word = { v: 'VIEW', m: 'MATERIALIZED VIEW', S: 'SEQUENCE', i: 'INDEX', f: 'FOREIGN TABLE', c: 'TYPE' }[there.kind] ?? 'TABLE'
  await twin.query(`ALTER ${word} ${qualified({ schema, name: relation })} RENAME TO ${name(cut(`${ASIDE}${relation}`))}`)
}

/** Names of relations of the live database, but for those that go with a table that is replaced. */
async function takenNames(live: Session, replaced: readonly Relation[]): Promise<Set<string>> {
  const gone = (
    await withChildren(
      live,
      replaced.map(({ oid }) => oid),
    )
  ).map(({ oid }) => oid)
  const not =
    gone.length === 0
      ? 'true'
      : `c.oid NOT IN (${gone.join(', ')})
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indexrelid = c.oid AND i.indrelid IN (${gone.join(', ')}))
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
      AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid IN (${gone.join(', ')}))`
  const notStatistics = gone.length === 0 ? 'true' : `s.stxrelid NOT IN (${gone.join(', ')})`
  const rows = await live.query<Named>(`
    SELECT n.nspname AS schema, c.relname AS name FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE ${not}
    UNION ALL SELECT n.nspname, s.stxname FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace WHERE ${notStatistics}`)
  return new Set(rows.map(qualified))
}

interface Part extends Named {
  readonly word: 'INDEX' | 'SEQUENCE' | 'STATISTICS'
  /** Of its table. */
  readonly oid: string
  readonly table: string
}

async function partsOfTables(twin: Session, oids: readonly string[]): Promise<readonly Part[]> {
  const list = oids.join(', ')
  return twin.query<Part>(`
    SELECT 'INDEX' AS word, n.nspname AS schema, c.relname AS name, t.oid::text AS oid, t.relname AS table FROM pg_catalog.pg_index i
      JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_class t ON t.oid = i.indrelid WHERE i.indrelid IN (${list})
    UNION ALL SELECT 'SEQUENCE', n.nspname, c.relname, t.oid::text, t.relname FROM pg_catalog.pg_depend d
      JOIN pg_catalog.pg_class c ON c.oid = d.objid AND c.relkind = 'S' JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_class t ON t.oid = d.refobjid
      WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid IN (${list}) AND d.deptype IN ('a', 'i')
    UNION ALL SELECT 'STATISTICS', n.nspname, s.stxname, t.oid::text, t.relname FROM pg_catalog.pg_statistic_ext s
      JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace JOIN pg_catalog.pg_class t ON t.oid = s.stxrelid WHERE s.stxrelid IN (${list})`)
}

/** `users_pkey` of what was `users` becomes `users_old_pkey`, where the name is taken. */
async function freeName(twin: Session, part: Part, former: string, taken: Set<string>): Promise<void> {
  const first = qualified(part)
  if (!taken.has(first)) return void taken.add(first)
  const prefix = [part.table, former].find((table) => part.name.startsWith(`${table}_`))
  const stem = `${part.table}_${prefix === undefined ? part.name : part.name.slice(prefix.length + 1)}`
  for (let n = 0; ; n += 1) {
    const next = { schema: part.schema, name: n === 0 ? cut(stem) : cut(stem, `_${n}`) }
    if (taken.has(qualified(next))) continue
    try {
      await twin.query(`ALTER ${part.word} ${first} RENAME TO ${name(next.name)}`)
    } catch (error) {
      if (!String(error).includes('42P07')) throw error // that name is taken in the twin
      continue
    }
    return void taken.add(qualified(next))
  }
}

/** Owners, grants and policies of roles that the live server does not know. */
async function knownRoles(twin: Session, live: Session, oids: readonly string[], login: string): Promise<readonly string[]> {
  const known = new Set((await live.query<{ name: string }>('SELECT rolname AS name FROM pg_catalog.pg_roles')).map((role) => role.name))
  const list = oids.join(', ')
  const rows = await twin.query<{ table: string; owner: string; grantees: readonly string[] }>(`
    SELECT c.oid::regclass::text AS table, pg_catalog.pg_get_userbyid(c.relowner) AS owner, ARRAY(
      SELECT DISTINCT r.rolname::text FROM (
        SELECT (pg_catalog.aclexplode(c.relacl)).grantee UNION ALL
        SELECT (pg_catalog.aclexplode(a.attacl)).grantee FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL
      ) g JOIN pg_catalog.pg_roles r ON r.oid = g.grantee) AS grantees
    FROM pg_catalog.pg_class c WHERE c.oid IN (${list})`)
  const notes: string[] = []
  for (const { table, owner, grantees } of rows) {
    for (const role of grantees.filter((each) => !known.has(each))) {
      await twin.query(`REVOKE ALL ON TABLE ${table} FROM ${name(role)} CASCADE`)
      notes.push(`The rights of the role ${shown(role)} on ${table} were not carried: there is no such role.`)
    }
    if (known.has(owner)) continue
    const roles = await twin.query(`SELECT FROM pg_catalog.pg_roles WHERE rolname = '${login.replaceAll("'", "''")}'`)
    if (roles.length === 0) await twin.query(`CREATE ROLE ${name(login)}`)
    await twin.query(`ALTER TABLE ${table} OWNER TO ${name(login)}`)
    notes.push(`${table} belongs to ${shown(login)}: there is no role ${shown(owner)}.`)
  }
  const policies = await twin.query<{ policy: string; table: string; roles: readonly string[] }>(`
    SELECT p.polname AS policy, p.polrelid::regclass::text AS table,
      ARRAY(SELECT pg_catalog.pg_get_userbyid(r)::text FROM unnest(p.polroles) AS r WHERE r <> 0) AS roles
    FROM pg_catalog.pg_policy p WHERE p.polrelid IN (${list})`)
  for (const { policy, table, roles } of policies) {
    const rest = roles.filter((role) => known.has(role))
    if (rest.length === roles.length) continue
    const statement =
      rest.length === 0
        ? `DROP POLICY ${name(policy)} ON ${table}`
        : `ALTER POLICY ${name(policy)} ON ${table} TO ${rest.map(name).join(', ')}`
    await twin.query(statement)
    notes.push(
      `The policy ${shown(policy)} on ${table} was ${rest.length === 0 ? 'not carried' : 'carried in part'}: it is for roles that are not there.`,
    )
  }
  return notes
}

export interface ForeignKeys {
  readonly all: readonly ForeignKey[]
  readonly adding: string
}

/** Takes the foreign keys off the tables: pg_dump would insist on them, and the tables that they lead to may be others by now. */
export async function foreignKeys(twin: Session, { tables }: Fitted): Promise<ForeignKeys> {
  const rows = await twin.query<ForeignKey>(`
    SELECT k.conrelid::regclass::text AS qualified, k.conname AS constraint, pg_catalog.pg_get_constraintdef(k.oid) AS definition
    FROM pg_catalog.pg_constraint k WHERE k.contype = 'f' AND k.conparentid = 0
      AND k.conrelid IN (${tables.map((table) => `'${table.replaceAll("'", "''")}'::regclass`).join(', ')})`)
  for (const { qualified: table, constraint } of rows) await twin.query(`ALTER TABLE ${table} DROP CONSTRAINT ${name(constraint)}`)
  const all = rows.map((row) => ({ ...row, definition: row.definition.replace(ASIDE, '') }))
  return { all, adding: all.map(adding).join('') }
}

/** What has become of foreign keys that were to be made. */
export async function foreignKeyNotes(live: Session, keys: readonly ForeignKey[]): Promise<readonly string[]> {
  const notes: string[] = []
  for (const { qualified: table, constraint, definition } of keys) {
    const literal = (value: string): string => `'${value.replaceAll("'", "''")}'`
    const [made] = await live.query<{ valid: boolean }>(
      `SELECT convalidated AS valid FROM pg_catalog.pg_constraint WHERE conrelid = ${literal(table)}::regclass AND conname = ${literal(constraint)}`,
    )
    const leads = `The foreign key ${shown(constraint)} of ${table}`
    if (made === undefined) notes.push(`${leads} could not be made: ${definition}.`)
    else if (!made.valid && !/ NOT (?:VALID|ENFORCED)$/.test(definition)) {
      notes.push(
        `${leads} does not hold for rows that are there, for they refer to rows that are not; it is there for new ones (NOT VALID).`,
      )
    }
  }
  return notes
}

const ASIDE = 'hayai_aside_'
const LONGEST = 63

/** As long as a name may be, in bytes. */
function cut(stem: string, ending = ''): string {
  let short = stem
  while (Buffer.byteLength(short + ending) > LONGEST) short = Array.from(short).slice(0, -1).join('')
  return short + ending
}
