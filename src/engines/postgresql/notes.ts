// What a dump cannot carry, or a person should know before they restore one by hand: each a whole sentence.

import type { Endpoint } from '../engine.ts'
import type { Listed } from './catalog.ts'
import { eachDatabase } from './inspect.ts'
import { ENCODING, LOCALE } from './parameters.ts'
import { withSession, type Session } from './session.ts'

const quoted = (names: readonly string[]): string => names.map((each) => JSON.stringify(each)).join(', ')
const sentence = (names: readonly string[], write: (names: string) => string): readonly string[] =>
  names.length === 0 ? [] : [write(quoted(names))]

async function names(session: Session, sql: string): Promise<readonly string[]> {
  return (await session.query<{ name: string }>(sql)).map((row) => row.name)
}

/** Of the server as a whole. */
export async function serverNotes(session: Session, listed: readonly Listed[]): Promise<readonly string[]> {
  return [
    ...sentence(
      listed.filter((each) => !each.template && !each.connectable && each.name !== session.database).map((each) => each.name),
      (list) => `Not in the snapshot, because no connection to them is allowed: databases ${list}.`,
    ),
    ...sentence(
      listed.filter((each) => each.template && each.name !== session.database).map((each) => each.name),
      (list) => `Not in the snapshot, because they are templates: databases ${list}.`,
    ),
    ...sentence(
      await names(session, `SELECT spcname AS name FROM pg_tablespace WHERE oid >= 16384 ORDER BY 1`),
      (list) => `Tablespaces are not carried: what lies in ${list} is restored into the default one.`,
    ),
    ...sentence(
      await names(session, `SELECT DISTINCT name FROM pg_file_settings WHERE sourcefile LIKE '%/postgresql.auto.conf' ORDER BY 1`),
      (list) => `Set by ALTER SYSTEM, and not carried: ${list}.`,
    ),
    ...sentence(
      await names(session, `SELECT slot_name AS name FROM pg_replication_slots WHERE NOT temporary ORDER BY 1`),
      (list) => `Replication slots are not carried: ${list}.`,
    ),
    ...sentence(
      await names(session, `SELECT gid AS name FROM pg_prepared_xacts ORDER BY 1`),
      (list) => `Prepared transactions that were not yet committed are not in the snapshot: ${list}.`,
    ),
  ]
}

/** Of a physical copy, which has everything but this. */
export async function physicalNotes(main: Session, endpoint: Endpoint, signal: AbortSignal): Promise<readonly string[]> {
  const unlogged: string[] = []
  await eachDatabase(endpoint, main, signal, async (session, prefix) => {
    const found = await names(
      session,
      `SELECT n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' AND c.relpersistence = 'u' ORDER BY 1`,
    )
    unlogged.push(...found.map((each) => `${prefix}${each}`))
  })
  return [
    `Accounts and passwords are those of the snapshot; only the login that Hayai uses gets the password of the database that it is restored into (here: ${JSON.stringify(endpoint.user)}).`,
    ...sentence(
      await names(main, `SELECT DISTINCT name FROM pg_file_settings WHERE sourcefile LIKE '%/postgresql.auto.conf' ORDER BY 1`),
      (list) => `Set by ALTER SYSTEM, and carried: ${list}.`,
    ),
    ...sentence(unlogged, (list) => `Unlogged tables are empty in a physical copy: ${list}.`),
    ...sentence(
      await names(main, `SELECT slot_name AS name FROM pg_replication_slots WHERE NOT temporary ORDER BY 1`),
      (list) => `Replication slots are not carried: ${list}.`,
    ),
    ...sentence(
      await names(main, `SELECT subname AS name FROM pg_subscription WHERE subenabled ORDER BY 1`),
      (list) => `Subscriptions are carried as they are, and go on once a restored server is in use: ${list}.`,
    ),
    ...sentence(
      await names(main, `SELECT gid AS name FROM pg_prepared_xacts ORDER BY 1`),
      (list) => `Prepared transactions are carried, and need a server with POSTGRES_MAX_PREPARED_TRANSACTIONS: ${list}.`,
    ),
  ]
}

/** Of one database. `made`: the file makes it itself. */
export async function databaseNotes(session: Session, made: boolean): Promise<readonly string[]> {
  const here = JSON.stringify(session.database)
  return [
    ...sentence(
      await names(
        session,
        `SELECT subname AS name FROM pg_subscription
        WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY 1`,
      ),
      (list) => `Subscriptions of the database ${here} are restored switched off: ${list}.`,
    ),
    ...(made ? [] : await making(session, here)),
  ]
}

async function making(session: Session, here: string): Promise<readonly string[]> {
  const [row] = await session.query<{ encoding: string; collate: string; ctype: string; provider: string }>(`
    SELECT pg_encoding_to_char(encoding) AS encoding, datcollate AS collate, datctype AS ctype,
      coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') AS provider
    FROM pg_database d WHERE datname = current_database()`)
  if (row === undefined || (row.encoding === ENCODING && row.collate === LOCALE && row.ctype === LOCALE && row.provider === 'c')) return []
  const provider = { c: 'libc', i: 'icu', b: 'builtin' }[row.provider] ?? row.provider
  return [
    `The database ${here} has encoding ${row.encoding}, collation ${row.collate}, character types ${row.ctype} (provider ${provider}); ` +
      'one made by hand to take this snapshot should have the same.',
  ]
}

/** Of template1: what is in there comes with every database made from it, and with none that is restored. */
export async function templateNotes(main: Session, endpoint: Endpoint, signal: AbortSignal): Promise<readonly string[]> {
  const [open] = await names(main, `SELECT datname AS name FROM pg_database WHERE datname = 'template1' AND datallowconn`)
  if (open === undefined) return []
  const found = await withSession(endpoint, { database: open, signal }, (session) => names(session, ADDED))
  return sentence(found, (list) => `Changes to template1 are not carried: ${list}.`)
}

const ADDED = `
  SELECT DISTINCT n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid >= 16384 AND n.nspname !~ '^pg_' AND c.relkind NOT IN ('i', 'I')
  UNION SELECT n.nspname || '.' || p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid >= 16384
  UNION SELECT extname FROM pg_extension WHERE oid >= 16384
  UNION SELECT nspname FROM pg_namespace WHERE oid >= 16384 AND nspname !~ '^pg_' ORDER BY 1 LIMIT 8`
