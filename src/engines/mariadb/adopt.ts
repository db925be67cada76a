// What makes the files of a physical copy the database of their new place: the login of the place is let in with its password,
// whatever accounts and passwords came with the files. All other accounts stay as they are.

import type { Settings } from '../engine.ts'
import { nativeHash } from './login.ts'
import { literal } from './sql.ts'

const EVERYTHING = '18446744073709551615'

/** For a server that takes one statement a line, knows no accounts, and lets nobody connect. */
export function adoptStatements({ user, password, database }: Settings): string {
  const login = literal(user)
  const can = `'$.access', ${EVERYTHING}, '$.plugin', 'mysql_native_password', '$.authentication_string', ${literal(nativeHash(password))}`
  // A lock, an end of the password, other ways in beside it, TLS alone: any of them would shut the login out.
  const hinders = ['version_id', 'account_locked', 'password_last_changed', 'password_lifetime', 'auth_or', 'ssl_type', 'max_connections']
  const hosts = ['%', 'localhost'].map((host) => `(${literal(host)}, ${login}, '{}')`) // the most exact host wins at a login
  return [
    'SET NAMES utf8mb4;',
    `BEGIN NOT ATOMIC IF NOT EXISTS (SELECT 1 FROM information_schema.SCHEMATA WHERE BINARY SCHEMA_NAME = ${literal(database)}) THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = ${literal(foreign(database))}; END IF; END;`,
    `INSERT IGNORE INTO mysql.global_priv (Host, User, Priv) VALUES ${hosts.join(', ')};`,
    `UPDATE mysql.global_priv SET Priv = JSON_SET(JSON_REMOVE(Priv, ${hinders.map((each) => `'$.${each}'`).join(', ')}), ${can}) WHERE User = ${login} AND COALESCE(JSON_VALUE(Priv, '$.is_role'), 'false') <> 'true';`,
    '',
  ].join('\n')
}

/** No server can give a database another name. At most 128 characters are told. */
const foreign = (database: string): string => `the copy has no database ${JSON.stringify(database)}; set MYSQL_DATABASE to the name in it`
