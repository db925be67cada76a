// What tables need that is not part of them, and that the live database has not: schemas, extensions, types, functions, sequences.

import type { Session } from './session.ts'
import { literal, name } from './sql.ts'

export interface Needs {
  /** Statements before the tables. */
  readonly before: string
  /** Sequences by full name, to be dumped with the tables. */
  readonly sequences: readonly string[]
  readonly notes: readonly string[]
}

export async function needsOf(twin: Session, live: Session, tables: readonly string[]): Promise<Needs> {
  const list = tables.map((table) => `${literal(table)}::regclass`).join(', ')
  const types = await missingTypes(twin, live, list)
  const functions = await missingFunctions(twin, live, list)
  const sequences = await missingSequences(twin, live, list)
  const schemas = await missingSchemas(twin, live, list)
  const carried = [
    ...types.map(({ said }) => `type ${said}`),
    ...functions.map(({ said }) => `function ${said}`),
    ...sequences.map((each) => `sequence ${each}`),
  ]
  return {
    before: [
      ...schemas.map((each) => `CREATE SCHEMA IF NOT EXISTS ${name(each)};\n`),
      ...types.map(({ sql }) => sql),
      ...functions.map(({ sql }) => sql),
    ].join(''),
    sequences,
    notes: carried.map((what) => `The ${what} was not there, and came along.`),
  }
}

interface Thing {
  readonly said: string
  readonly sql: string
}

async function has(live: Session, question: string): Promise<boolean> {
  const [row] = await live.query<{ there: boolean }>(`SELECT (${question}) IS NOT NULL AS there`)
  return row?.there === true
}

/** The schemas of the tables and of all that comes along. */
async function missingSchemas(twin: Session, live: Session, list: string): Promise<readonly string[]> {
  const rows = await twin.query<{ name: string }>(`
    SELECT DISTINCT n.nspname AS name FROM pg_catalog.pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND (
      n.oid IN (SELECT relnamespace FROM pg_catalog.pg_class WHERE oid IN (${list}))
      OR n.oid IN (SELECT t.typnamespace FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid WHERE a.attrelid IN (${list}))
      OR n.oid IN (SELECT p.pronamespace FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid WHERE g.tgrelid IN (${list})))`)
  const missing: string[] = []
  for (const { name: schema } of rows) if (!(await has(live, `to_regnamespace(${literal(name(schema))})`))) missing.push(schema)
  return missing
}

interface Type {
  readonly oid: string
  readonly full: string
  readonly kind: string
  readonly element: string
  readonly base: string
  readonly relation: string
  readonly system: boolean
  readonly extension: string | null
}

async function missingTypes(twin: Session, live: Session, list: string): Promise<readonly Thing[]> {
  const columns = await twin.query<{ oid: string }>(
    `SELECT DISTINCT atttypid::text AS oid FROM pg_catalog.pg_attribute WHERE attrelid IN (${list}) AND attnum > 0 AND NOT attisdropped`,
  )
  const found: Thing[] = []
  const seen = new Set<string>()
  const visit = async (oid: string): Promise<void> => {
    if (oid === '0' || seen.has(oid)) return
    seen.add(oid)
    const [type] = await twin.query<Type>(`
      SELECT t.oid::text AS oid, pg_catalog.format_type(t.oid, NULL) AS full, t.typtype::text AS kind, t.typelem::text AS element, t.typbasetype::text AS base,
        t.typrelid::text AS relation, n.nspname ~ '^pg_' OR n.nspname = 'information_schema' AS system,
        (SELECT x.extname FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension x ON x.oid = d.refobjid
          WHERE d.classid = 'pg_catalog.pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e') AS extension
      FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE t.oid = ${oid}`)
    if (type === undefined || type.system) return
    if (type.kind === 'b' && type.element !== '0') return visit(type.element)
    if (type.base !== '0') await visit(type.base)
    if (await has(live, `pg_catalog.to_regtype(${literal(type.full)})`)) return
    if (type.kind === 'c') {
      const parts = await twin.query<{ oid: string }>(
        `SELECT atttypid::text AS oid FROM pg_catalog.pg_attribute WHERE attrelid = ${type.relation} AND attnum > 0 AND NOT attisdropped`,
      )
      for (const part of parts) await visit(part.oid)
    }
    const sql = type.extension === null ? await typeStatement(twin, type) : `CREATE EXTENSION IF NOT EXISTS ${name(type.extension)};\n`
    if (sql !== undefined) found.push({ said: type.full, sql })
  }
  for (const { oid } of columns) await visit(oid)
  return found
}

/** undefined for a kind of type that no statement of ours makes: then the server says that it is not there. */
async function typeStatement(twin: Session, { oid, full, kind, relation }: Type): Promise<string | undefined> {
  if (kind === 'e') {
    const labels = await twin.query<{ label: string }>(
      `SELECT enumlabel AS label FROM pg_catalog.pg_enum WHERE enumtypid = ${oid} ORDER BY enumsortorder`,
    )
    return `CREATE TYPE ${full} AS ENUM (${labels.map(({ label }) => literal(label)).join(', ')});\n`
  }
  if (kind === 'd') {
    const [domain] = await twin.query<{ base: string; default: string | null; strict: boolean }>(
      `SELECT pg_catalog.format_type(typbasetype, typtypmod) AS base, typdefault AS default, typnotnull AS strict FROM pg_catalog.pg_type WHERE oid = ${oid}`,
    )
    const checks = await twin.query<{ name: string; definition: string }>(
      `SELECT conname AS name, pg_catalog.pg_get_constraintdef(oid) AS definition FROM pg_catalog.pg_constraint WHERE contypid = ${oid} AND contype = 'c' ORDER BY conname`,
    )
    const more = [
      ...(typeof domain?.default === 'string' ? [`DEFAULT ${domain.default}`] : []),
      ...(domain?.strict === true ? ['NOT NULL'] : []),
      ...checks.map((check) => `CONSTRAINT ${name(check.name)} ${check.definition}`),
    ]
    return `CREATE DOMAIN ${full} AS ${[domain?.base ?? '', ...more].join(' ')};\n`
  }
  if (kind !== 'c') return undefined
  const parts = await twin.query<{ name: string; type: string }>(
    `SELECT attname AS name, pg_catalog.format_type(atttypid, atttypmod) AS type FROM pg_catalog.pg_attribute WHERE attrelid = ${relation} AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
  )
  return `CREATE TYPE ${full} AS (${parts.map((part) => `${name(part.name)} ${part.type}`).join(', ')});\n`
}

/** Functions of triggers, defaults, checks, indexes and policies. What those functions call by themselves nobody can know. */
async function missingFunctions(twin: Session, live: Session, list: string): Promise<readonly Thing[]> {
  const users = [
    `d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid IN (SELECT oid FROM pg_catalog.pg_attrdef WHERE adrelid IN (${list}))`,
    `d.classid = 'pg_catalog.pg_constraint'::regclass AND d.objid IN (SELECT oid FROM pg_catalog.pg_constraint WHERE conrelid IN (${list}))`,
    `d.classid = 'pg_catalog.pg_trigger'::regclass AND d.objid IN (SELECT oid FROM pg_catalog.pg_trigger WHERE tgrelid IN (${list}))`,
    `d.classid = 'pg_catalog.pg_class'::regclass AND d.objid IN (SELECT indexrelid FROM pg_catalog.pg_index WHERE indrelid IN (${list}))`,
    `d.classid = 'pg_catalog.pg_policy'::regclass AND d.objid IN (SELECT oid FROM pg_catalog.pg_policy WHERE polrelid IN (${list}))`,
  ]
  const rows = await twin.query<{ signature: string; definition: string; extension: string | null }>(`
    SELECT DISTINCT p.oid::regprocedure::text AS signature, pg_catalog.pg_get_functiondef(p.oid) AS definition,
      (SELECT x.extname FROM pg_catalog.pg_depend e JOIN pg_catalog.pg_extension x ON x.oid = e.refobjid
        WHERE e.classid = 'pg_catalog.pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e') AS extension
    FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_proc p ON p.oid = d.refobjid JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE d.refclassid = 'pg_catalog.pg_proc'::regclass AND p.prokind <> 'a' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND (${users.map((each) => `(${each})`).join(' OR ')})`)
  const missing: Thing[] = []
  for (const { signature, definition, extension } of rows) {
    if (await has(live, `pg_catalog.to_regprocedure(${literal(signature)})`)) continue
    missing.push({ said: signature, sql: extension === null ? `${definition};\n` : `CREATE EXTENSION IF NOT EXISTS ${name(extension)};\n` })
  }
  return missing
}

/** Sequences that defaults take numbers from, and that no column owns. */
async function missingSequences(twin: Session, live: Session, list: string): Promise<readonly string[]> {
  const rows = await twin.query<{ sequence: string }>(`
    SELECT DISTINCT s.oid::regclass::text AS sequence FROM pg_catalog.pg_attrdef f
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass
    JOIN pg_catalog.pg_class s ON s.oid = d.refobjid AND s.relkind = 'S'
    WHERE f.adrelid IN (${list}) AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend o WHERE o.classid = 'pg_catalog.pg_class'::regclass AND o.objid = s.oid
      AND o.deptype IN ('a', 'i') AND o.refobjid IN (${list}))`)
  const missing: string[] = []
  for (const { sequence } of rows) if (!(await has(live, `pg_catalog.to_regclass(${literal(sequence)})`))) missing.push(sequence)
  return missing.map((each) => quotedAll(each))
}

// What regclass prints is quoted only where SQL wants it; a pattern of pg_dump wants it everywhere.
function quotedAll(printed: string): string {
  const parts = printed.match(/"(?:[^"]|"")*"|[^."]+/g) ?? []
  return parts.map((part) => (part.startsWith('"') ? part : name(part))).join('.')
}
