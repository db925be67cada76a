// What each database is made of, by information_schema. The main database's name is taken out of what names it, because it may be
// restored under any other.

import { abridged, digestOf } from '../../base/digest.ts'
import type { Column, Named, Outline, TableOutline } from '../engine.ts'
import type { Outline as Catalogued, Server } from './catalog.ts'
import { key } from './passage.ts'
import type { Session } from './session.ts'
import { name, shown, tokens } from './sql.ts'

interface Row {
  readonly database: string
  readonly relation: string
}

interface Making {
  readonly columns: (readonly [string, Column])[]
  readonly parts: Map<string, Map<string, string>>
}

export async function readOutline(session: Session, server: Server, { databases, tables }: Catalogued): Promise<Outline> {
  const [main = ''] = databases
  const prefixOf = (database: string): string => (database === main ? '' : `${shown(database)}/`)
  // Some servers keep the semicolon behind a body, and some dumps do not: see endings.ts.
  const plain = (text: string): string => unqualified(text, main).replace(/;\s*$/, '')
  const making = new Map<string, Making>()
  const collations = new Map<string, string>()
  for (const { database, relation, engine, collation } of await readOptions(session)) {
    const option = new Map(Object.entries({ engine: engine ?? '', collation: collation ?? '' }).filter(([, value]) => value !== ''))
    making.set(key(database, relation), { columns: [], parts: new Map([['option', option]]) })
    collations.set(key(database, relation), collation ?? '')
  }
  const put = ({ database, relation }: Row, kind: string, part: string, definition: string): void => {
    const parts = making.get(key(database, relation))?.parts
    const named = parts?.get(kind) ?? new Map<string, string>()
    named.set(part, abridged(plain(definition)))
    parts?.set(kind, named)
  }
  for (const row of await readColumns(session)) {
    const at = key(row.database, row.relation)
    making.get(at)?.columns.push([row.name, columnOf(row, collations.get(at) ?? '', plain)])
  }
  for (const index of await readIndexes(session)) put(index, 'index', index.name, index.definition)
  for (const constraint of await readConstraints(session, server)) put(constraint, 'constraint', constraint.name, constraint.definition)
  for (const trigger of await readTriggers(session))
    put(trigger, 'trigger', trigger.name, `${trigger.moment} ${digestOf(plain(trigger.body))}`)
  const kept = tables.filter(({ kind }) => kind === 'table' || kind === 'versioned')
  return {
    bytes: tables.reduce((sum, { bytes }) => sum + bytes, 0),
    tables: Object.fromEntries(
      kept.map((table) => [prefixOf(table.database) + shown(table.name), made(making.get(key(table.database, table.name)))]),
    ),
    objects: await readObjects(session, { databases, tables }, prefixOf, plain),
  }
}

function made(making: Making | undefined): TableOutline {
  const parts = [...(making?.parts ?? [])].filter(([, named]) => named.size > 0)
  return {
    columns: Object.fromEntries(making?.columns ?? []),
    parts: Object.fromEntries(parts.map(([kind, named]) => [kind, Object.fromEntries(named)])),
  }
}

/** "`main`.`t`" → "`t`", wherever it stands as a name. */
function unqualified(text: string, main: string): string {
  const quoted = name(main)
  const all = tokens(text)
  return all
    .flatMap((token, at) => {
      if (token === quoted && all[at + 1]?.startsWith('.') === true) return []
      return [all[at - 1] === quoted && token.startsWith('.') ? token.slice(1) : token]
    })
    .join('')
}

function readOptions(session: Session): Promise<readonly (Row & { readonly engine: string | null; readonly collation: string | null })[]> {
  return session.query(`SELECT TABLE_SCHEMA AS \`database\`, TABLE_NAME AS relation, ENGINE AS engine, TABLE_COLLATION AS collation
    FROM information_schema.TABLES WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')`)
}

export interface ColumnRow extends Row {
  readonly name: string
  readonly type: string
  readonly nullable: 'YES' | 'NO'
  readonly value: string | null
  readonly extra: string | null
  readonly generated: string | null
  readonly collation: string | null
}

/** In their order. */
export function readColumns(session: Session): Promise<readonly ColumnRow[]> {
  return session.query(`
    SELECT TABLE_SCHEMA AS \`database\`, TABLE_NAME AS relation, COLUMN_NAME AS name, COLUMN_TYPE AS type, IS_NULLABLE AS nullable,
      COLUMN_DEFAULT AS value, EXTRA AS extra, GENERATION_EXPRESSION AS \`generated\`, COLLATION_NAME AS collation
    FROM information_schema.COLUMNS WHERE TABLE_SCHEMA NOT IN ('information_schema', 'performance_schema', 'mysql', 'sys')
    ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION`)
}

function columnOf(
  { type, nullable, value, extra, generated, collation }: ColumnRow,
  usual: string,
  plain: (text: string) => string,
): Column {
  const own = collation === null || collation === usual ? '' : ` collate ${collation}`
  const said = generated !== null && generated !== '' ? `generated as (${generated})` : value === 'NULL' ? null : value
  const more = (extra ?? '').replace('DEFAULT_GENERATED', '').trim()
  const whole = [said ?? '', more.toLowerCase()].filter((part) => part !== '').join(' ')
  return { type: type + own, nullable: nullable === 'YES', default: said === null && whole === '' ? null : abridged(plain(whole)) }
}

interface PartRow extends Row {
  readonly name: string
  readonly definition: string
}

async function readIndexes(session: Session): Promise<readonly PartRow[]> {
  const rows = await session.query<
    Row & { name: string; unique: number; how: string; column: string | null; length: number | null; position: number }
  >(
    `SELECT TABLE_SCHEMA AS \`database\`, TABLE_NAME AS relation, INDEX_NAME AS name, NON_UNIQUE = 0 AS \`unique\`, INDEX_TYPE AS how,
      COLUMN_NAME AS \`column\`, SUB_PART AS length, SEQ_IN_INDEX AS position
    FROM information_schema.STATISTICS WHERE TABLE_SCHEMA NOT IN ('performance_schema', 'mysql', 'sys')
    ORDER BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX`,
  )
  const found = new Map<string, Row & { readonly name: string; readonly kind: string; readonly columns: string[] }>()
  for (const { unique, how, column, length, position, ...row } of rows) {
    const at = key(key(row.database, row.relation), row.name)
    // Each index begins with its first column: names that differ only in their case are two.
    const before = position === 1 ? undefined : found.get(at)
    const index = before ?? { ...row, kind: `${unique === 0 ? '' : 'UNIQUE '}${how}`, columns: [] }
    index.columns.push(`${column === null ? 'an expression' : shown(column)}${length === null ? '' : `(${length})`}`)
    found.set(at, index)
  }
  return [...found.values()].map(({ kind, columns, ...row }) => ({ ...row, definition: `${kind} (${columns.join(', ')})` }))
}

interface ForeignRow extends Row {
  readonly name: string
  readonly column: string
  readonly schema: string
  readonly goal: string
  readonly goalColumn: string
  readonly onUpdate: string
  readonly onDelete: string
}

async function readConstraints(session: Session, { dialect }: Server): Promise<readonly PartRow[]> {
  const rows = await session.query<ForeignRow>(
    `SELECT k.TABLE_SCHEMA AS \`database\`, k.TABLE_NAME AS relation, k.CONSTRAINT_NAME AS name, k.COLUMN_NAME AS \`column\`,
      k.REFERENCED_TABLE_SCHEMA AS \`schema\`, k.REFERENCED_TABLE_NAME AS goal, k.REFERENCED_COLUMN_NAME AS goalColumn,
      r.UPDATE_RULE AS onUpdate, r.DELETE_RULE AS onDelete
    FROM information_schema.KEY_COLUMN_USAGE k JOIN information_schema.REFERENTIAL_CONSTRAINTS r
      ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME AND r.TABLE_NAME = k.TABLE_NAME
    WHERE k.REFERENCED_TABLE_NAME IS NOT NULL ORDER BY k.TABLE_SCHEMA, k.TABLE_NAME, k.CONSTRAINT_NAME, k.ORDINAL_POSITION`,
  )
  const foreign = new Map<string, ForeignRow[]>()
  for (const row of rows) {
    const at = key(key(row.database, row.relation), row.name)
    foreign.set(at, [...(foreign.get(at) ?? []), row])
  }
  const references = [...foreign.values()].flatMap((columns) => {
    const [first] = columns
    if (first === undefined) return []
    const { database, relation, name: constraint, schema, goal, onUpdate, onDelete } = first
    const list = (pick: (row: ForeignRow) => string): string => columns.map((row) => shown(pick(row))).join(', ')
    const definition =
      `FOREIGN KEY (${list((row) => row.column)}) REFERENCES ${name(schema)}.${name(goal)} (${list((row) => row.goalColumn)})` +
      ` ON UPDATE ${onUpdate} ON DELETE ${onDelete}`
    return [{ database, relation, name: constraint, definition }]
  })
  const checks = await session.query<PartRow>(
    dialect.extended
      ? `SELECT CONSTRAINT_SCHEMA AS \`database\`, TABLE_NAME AS relation, CONSTRAINT_NAME AS name, CONCAT('CHECK (', CHECK_CLAUSE, ')') AS definition
         FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA NOT IN ('mysql', 'sys')`
      : `SELECT t.TABLE_SCHEMA AS \`database\`, t.TABLE_NAME AS relation, t.CONSTRAINT_NAME AS name, CONCAT('CHECK (', c.CHECK_CLAUSE, ')') AS definition
         FROM information_schema.CHECK_CONSTRAINTS c JOIN information_schema.TABLE_CONSTRAINTS t
           ON t.CONSTRAINT_SCHEMA = c.CONSTRAINT_SCHEMA AND t.CONSTRAINT_NAME = c.CONSTRAINT_NAME AND t.CONSTRAINT_TYPE = 'CHECK'`,
  )
  return [...references, ...checks]
}

function readTriggers(
  session: Session,
): Promise<readonly (Row & { readonly name: string; readonly moment: string; readonly body: string })[]> {
  return session.query(`SELECT EVENT_OBJECT_SCHEMA AS \`database\`, EVENT_OBJECT_TABLE AS relation, TRIGGER_NAME AS name,
      CONCAT(ACTION_TIMING, ' ', EVENT_MANIPULATION) AS moment, ACTION_STATEMENT AS body
    FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA <> 'sys'`)
}

async function readObjects(
  session: Session,
  { databases, tables }: Pick<Catalogued, 'databases' | 'tables'>,
  prefixOf: (database: string) => string,
  plain: (text: string) => string,
): Promise<Readonly<Record<string, Named>>> {
  const found = new Map<string, [string, string][]>()
  const put = (kind: string, database: string, called: string, definition: string): void => {
    const named = found.get(kind) ?? []
    named.push([prefixOf(database) + shown(called), definition])
    found.set(kind, named)
  }
  for (const { database, name: sequence, kind } of tables) if (kind === 'sequence') put('sequence', database, sequence, '')
  const there = new Set(tables.filter(({ kind }) => kind === 'view').map((view) => key(view.database, view.name)))
  for (const { kind, database, name: called, definition } of await session.query<{
    kind: string
    database: string
    name: string
    definition: string | null
  }>(`
    SELECT 'view' AS kind, TABLE_SCHEMA AS \`database\`, TABLE_NAME AS name, VIEW_DEFINITION AS definition FROM information_schema.VIEWS
    UNION ALL SELECT LOWER(r.ROUTINE_TYPE), r.ROUTINE_SCHEMA, r.ROUTINE_NAME, CONCAT_WS('\n', r.DTD_IDENTIFIER, r.SQL_DATA_ACCESS,
      r.SECURITY_TYPE, r.IS_DETERMINISTIC, (SELECT GROUP_CONCAT(CONCAT_WS(' ', p.PARAMETER_MODE, p.PARAMETER_NAME, p.DTD_IDENTIFIER)
        ORDER BY p.ORDINAL_POSITION) FROM information_schema.PARAMETERS p WHERE p.SPECIFIC_SCHEMA = r.ROUTINE_SCHEMA
        AND p.SPECIFIC_NAME = r.SPECIFIC_NAME AND p.ROUTINE_TYPE = r.ROUTINE_TYPE), r.ROUTINE_DEFINITION) FROM information_schema.ROUTINES r
    UNION ALL SELECT 'event', EVENT_SCHEMA, EVENT_NAME, CONCAT_WS('\n', EVENT_TYPE, EXECUTE_AT, INTERVAL_VALUE, INTERVAL_FIELD, STATUS,
      EVENT_DEFINITION) FROM information_schema.EVENTS`)) {
    if (!databases.includes(database) || (kind === 'view' && !there.has(key(database, called)))) continue
    put(kind, database, called, digestOf(plain(definition ?? '')))
  }
  return Object.fromEntries([...found].map(([kind, named]) => [kind, Object.fromEntries(named)]))
}
