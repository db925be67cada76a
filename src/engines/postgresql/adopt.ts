// What makes the files of a base backup the database of their new place: its log is replayed, the login of the place is let in with
// its password, and the main database gets the place's name. All of it by the server alone, before anybody can connect to it.

import type { Place } from '../engine.ts'
import { literal, name } from './sql.ts'

/** How a backup made by Hayai tells which of its databases was the main one: in the line that bears its label. */
export const label = (oid: number): string => `Hayai, main database ${oid}`

export function adoptStatements({ settings: { user, password, database } }: Place): string {
  return [
    `DO ${dollars(admitting(user))};`,
    `ALTER ROLE ${name(user)} WITH LOGIN SUPERUSER PASSWORD ${literal(password.reveal())};`,
    `DO ${dollars(renaming(database))};`,
    '',
  ].join('\n')
}

/** The login may have another name in the snapshot, or have been shut out by then. */
function admitting(user: string): string {
  const role = `pg_authid WHERE rolname = ${literal(user)}`
  return [
    `BEGIN`,
    `IF NOT EXISTS (SELECT FROM ${role}) THEN CREATE ROLE ${name(user)}; END IF;`,
    `IF EXISTS (SELECT FROM ${role} AND rolvaliduntil < 'infinity') THEN ALTER ROLE ${name(user)} VALID UNTIL 'infinity'; END IF;`,
    `IF EXISTS (SELECT FROM ${role} AND rolconnlimit >= 0) THEN ALTER ROLE ${name(user)} CONNECTION LIMIT -1; END IF;`,
    `END`,
  ].join(' ')
}

// The label survives the replay in this file. A backup made by others tells nothing: then the main database is the one of the right
// name, else the only one there is.
function renaming(database: string): string {
  const wanted = literal(database)
  return [
    `DECLARE main name; many int; BEGIN`,
    `SELECT datname INTO main FROM pg_database WHERE oid::text =`,
    `  substring(pg_read_file('backup_label.old', 0, 8192, true) FROM 'LABEL: Hayai, main database (\\d+)');`,
    `IF main IS NULL THEN`,
    `  SELECT datname INTO main FROM pg_database WHERE datname = ${wanted};`,
    `END IF;`,
    `IF main IS NULL THEN`,
    `  SELECT min(datname::text), count(*) INTO main, many FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres';`,
    `  IF many > 1 THEN RAISE EXCEPTION 'the backup holds % databases, and none of them is called %', many, ${wanted}; END IF;`,
    `  IF many = 0 THEN main := 'postgres'; END IF;`,
    `END IF;`,
    `IF main <> ${wanted} THEN`,
    `  EXECUTE format('ALTER DATABASE %I RENAME TO %I', main, ${wanted});`,
    `END IF;`,
    `END`,
  ].join(' ')
}

/** In one line, as the server without clients reads its statements. */
function dollars(body: string): string {
  let quote = '$hayai$'
  for (let n = 1; body.includes(quote); n += 1) quote = `$hayai${n}$`
  return `${quote} ${body} ${quote}`
}
