// What a dump cannot carry, or a person should know before they restore one by hand: each a whole sentence.

import { isNewEnough, keepsRows, type Outline, type Server, type Table } from './catalog.ts'
import { FURTHER } from './endless.ts'
import { key } from './passage.ts'
import type { Session } from './session.ts'
import { literal, name, shown } from './sql.ts'
import type { Broken } from './views.ts'

const sentence = (names: readonly string[], write: (names: string) => string): readonly string[] =>
  names.length === 0 ? [] : [write(names.join(', '))]

const ELSEWHERE = (list: string): string =>
  `These tables keep their rows outside of the database, and only their definitions are carried: ${list}.`
const IN_MEMORY = (list: string): string =>
  `These tables keep their rows in memory, and are empty whenever the server has started, as it has after a restore: ${list}.`

export async function readNotes(session: Session, server: Server, outline: Outline, broken: readonly Broken[]): Promise<readonly string[]> {
  const { dialect } = server
  const { databases, tables, histories } = outline
  const [main = ''] = databases
  const called = ({ database, name: table }: Pick<Table, 'database' | 'name'>): string =>
    database === main ? shown(table) : `${shown(database)}.${shown(table)}`
  const listed = async (query: string): Promise<readonly string[]> => {
    const rows = await session.query<{ database: string; name: string; part?: string }>(query)
    return rows
      .filter(({ database }) => databases.includes(database))
      .map((row) => called(row) + (row.part === undefined ? '' : `.${shown(row.part)}`))
  }
  return [
    ...broken.map(({ table, why }) => `The view ${called(table)} is broken, so that nobody can use it, and is not carried: ${why}.`),
    ...sentence(
      tables.filter((table) => (table.kind === 'table' || table.kind === 'versioned') && !keepsRows(table)).map(called),
      ELSEWHERE,
    ),
    ...sentence(tables.filter(({ kind, engine }) => kind === 'table' && engine === 'MEMORY').map(called), IN_MEMORY),
    ...sentence(
      tables.filter(({ kind, database, name: table }) => kind === 'versioned' && !histories.has(key(database, table))).map(called),
      (list) => `The history of these tables is not carried, only the rows of the moment: ${list}.`,
    ),
    ...sentence(
      isNewEnough(server, FURTHER) ? [] : tables.filter(({ database, name: table }) => histories.has(key(database, table))).map(called),
      (list) =>
        `Hayai restores these tables into MariaDB ${FURTHER} and newer as they are; by hand, all of their rows would be history there: ${list}.`,
    ),
    ...sentence(
      await listed(`SELECT c.TABLE_SCHEMA AS \`database\`, c.TABLE_NAME AS name, c.COLUMN_NAME AS part FROM information_schema.COLUMNS c
        JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME AND t.TABLE_TYPE <> 'VIEW'
        WHERE c.DATA_TYPE = 'float' AND c.NUMERIC_SCALE IS NULL ORDER BY 1, 2`),
      (list) =>
        `Columns of the type FLOAT are written with six digits, as ${dialect.programs.dump} does; DOUBLE and DECIMAL are exact: ${list}.`,
    ),
    ...sentence(
      await listed(`SELECT EVENT_SCHEMA AS \`database\`, EVENT_NAME AS name FROM information_schema.EVENTS
        WHERE ON_COMPLETION <> 'PRESERVE' AND (EVENT_TYPE <> 'RECURRING' OR ENDS IS NOT NULL) ORDER BY 1, 2`),
      (list) => `These events are over at a certain time, and do not come back with a restore after it: ${list}.`,
    ),
    ...sentence(
      await mentioning(session, main, listed),
      (list) => `These name the database ${name(main)} themselves, and go on naming it wherever the snapshot is restored: ${list}.`,
    ),
    ...(dialect.extended
      ? []
      : sentence(
          await names(session, `SELECT VARIABLE_NAME AS name FROM performance_schema.persisted_variables ORDER BY 1`),
          (list) => `Set by SET PERSIST, and not carried: ${list}.`,
        )),
  ]
}

/** Of a physical copy, which is of one instant, and holds whatever lies in the data folder. */
export async function readPhysicalNotes(session: Session, { databases, tables }: Outline): Promise<readonly string[]> {
  const [main = ''] = databases
  const called = ({ database, name: table }: Table): string => (database === main ? shown(table) : `${shown(database)}.${shown(table)}`)
  const engines = await session.query<{ engine: string }>(
    `SELECT ENGINE AS engine FROM information_schema.ENGINES WHERE TRANSACTIONS = 'YES'`,
  )
  const transactional = new Set(engines.map(({ engine }) => engine.toLowerCase()))
  const inFiles = tables.filter((table) => keepsRows(table) && table.engine !== 'MEMORY' && !transactional.has(table.engine.toLowerCase()))
  return [
    'A restore brings back the accounts and passwords of the server that was copied; only the login of the place gets its own.',
    ...sentence(
      inFiles.map((table) => `${called(table)} (${table.engine})`),
      (list) =>
        `These tables know no transactions; whoever wrote to them had to wait while mariadb-backup copied them, so that they are of the same instant: ${list}.`,
    ),
    ...sentence(tables.filter((table) => table.kind === 'table' && !keepsRows(table)).map(called), ELSEWHERE),
    ...sentence(tables.filter(({ kind, engine }) => kind === 'table' && engine === 'MEMORY').map(called), IN_MEMORY),
  ]
}

async function names(session: Session, query: string): Promise<readonly string[]> {
  return (await session.query<{ name: string }>(query)).map((row) => row.name)
}

/** Bodies are kept as they were written; the name of a database in them cannot be changed without understanding them. */
async function mentioning(
  session: Session,
  main: string,
  listed: (query: string) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const quoted = literal(`${name(main)}.`)
  const bare = /^\w+$/.test(main) ? main : undefined
  const says = (body: string): string =>
    `(INSTR(${body}, ${quoted}) > 0${bare === undefined ? '' : ` OR ${body} RLIKE '\\\\b${bare}[[:space:]]*[.][[:space:]]*[\`A-Za-z_]'`})`
  return [
    ...(await listed(
      `SELECT ROUTINE_SCHEMA AS \`database\`, ROUTINE_NAME AS name FROM information_schema.ROUTINES WHERE ${says('ROUTINE_DEFINITION')} ORDER BY 1, 2`,
    )),
    ...(await listed(
      `SELECT TRIGGER_SCHEMA AS \`database\`, TRIGGER_NAME AS name FROM information_schema.TRIGGERS WHERE ${says('ACTION_STATEMENT')} ORDER BY 1, 2`,
    )),
    ...(await listed(
      `SELECT EVENT_SCHEMA AS \`database\`, EVENT_NAME AS name FROM information_schema.EVENTS WHERE ${says('EVENT_DEFINITION')} ORDER BY 1, 2`,
    )),
    ...(await listed(`SELECT CONSTRAINT_SCHEMA AS \`database\`, CONSTRAINT_NAME AS name FROM information_schema.REFERENTIAL_CONSTRAINTS
      WHERE UNIQUE_CONSTRAINT_SCHEMA = ${literal(main)} AND CONSTRAINT_SCHEMA <> UNIQUE_CONSTRAINT_SCHEMA ORDER BY 1, 2`)),
  ]
}
