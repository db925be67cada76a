// What belongs to a database itself and not to anything in it: how it is made, its owner, privileges, comment, settings.
// pg_dump says this with the database's name; here it is current_database(), so that the file fits a database of any name,
// and it comes after the contents, which a setting like default_transaction_read_only would keep out.

import { HayaiError } from '../../base/errors.ts'
import type { Session } from './session.ts'
import { block, grants, literal, name, setting, type Grant } from './sql.ts'

export interface Making {
  readonly encoding: string
  /** As the catalog has it; keys differ from version to version. */
  readonly row: Readonly<Record<string, string | null>>
}

export async function readMaking(session: Session, database: string): Promise<Making> {
  const [found] = await session.query<Making>(`
    SELECT pg_encoding_to_char(encoding) AS encoding, to_jsonb(d) AS row FROM pg_database d WHERE datname = ${literal(database)}`)
  if (found === undefined) throw new Error(`the database ${JSON.stringify(database)} has no entry`)
  return found
}

/** `CREATE DATABASE` with the same encoding and locale. */
export function createDatabase(database: string, { encoding, row }: Making): string {
  const provider = { c: 'libc', i: 'icu', b: 'builtin' }[row['datlocprovider'] ?? '']
  const locale = row['datlocale'] ?? row['daticulocale'] ?? null
  const rules = row['daticurules'] ?? null
  const clauses = [
    'TEMPLATE = template0',
    `ENCODING = ${literal(encoding)}`,
    ...(provider === undefined ? [] : [`LOCALE_PROVIDER = ${provider}`]),
    `LC_COLLATE = ${literal(row['datcollate'] ?? 'C')}`,
    `LC_CTYPE = ${literal(row['datctype'] ?? 'C')}`,
    ...(locale === null ? [] : [`${provider === 'builtin' ? 'BUILTIN_LOCALE' : 'ICU_LOCALE'} = ${literal(locale)}`]),
    ...(rules === null ? [] : [`ICU_RULES = ${literal(rules)}`]),
  ]
  return `CREATE DATABASE ${name(database)} WITH ${clauses.join(' ')};\n`
}

/** psql's own command, in the form that takes a name for nothing but a name. */
export function connectTo(database: string): string {
  if (/[\r\n]/.test(database)) {
    throw new HayaiError(
      'TOOL_FAILED',
      `the name of the database ${JSON.stringify(database)} holds a line break, and psql cannot connect to it`,
      {
        hint: 'Rename it with ALTER DATABASE ... RENAME TO ...',
      },
    )
  }
  return `\\connect -reuse-previous=on ${name(`dbname='${database.replaceAll(/[\\']/g, '\\$&')}'`)}\n`
}

const HERE = '\u0000'

/** `session` is the main database's; `login` is the role Hayai connects as: what it owns belongs, elsewhere, to whoever restores. */
export async function databaseProperties(session: Session, database: string, login: string): Promise<string> {
  const [row] = await session.query<{ owner: string; comment: string | null; limit: number; hasGrants: boolean }>(`
    SELECT o.rolname AS owner, shobj_description(d.oid, 'pg_database') AS comment, d.datconnlimit AS limit, d.datacl IS NOT NULL AS "hasGrants"
    FROM pg_database d JOIN pg_authid o ON o.oid = d.datdba WHERE d.datname = ${literal(database)}`)
  if (row === undefined) throw new Error('the database has no entry of its own')
  const statements = [
    ...(row.owner === login ? [] : [`ALTER DATABASE ${HERE} OWNER TO ${name(row.owner)}`]),
    ...(row.comment === null ? [] : [`COMMENT ON DATABASE ${HERE} IS ${literal(row.comment)}`]),
    ...(row.limit === -1 ? [] : [`ALTER DATABASE ${HERE} CONNECTION LIMIT ${row.limit}`]),
    ...(await settings(session, database)),
    ...(row.hasGrants ? grants(`DATABASE ${HERE}`, row.owner, await privileges(session, database), true) : []),
  ]
  return statements.length === 0 ? '' : block(...statements.map(executed))
}

async function settings(session: Session, database: string): Promise<readonly string[]> {
  const rows = await session.query<{ role: string | null; entry: string }>(`
    SELECT r.rolname AS role, unnest(s.setconfig) AS entry
    FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_authid r ON r.oid = s.setrole
    WHERE d.datname = ${literal(database)} ORDER BY r.rolname NULLS FIRST`)
  return rows.map(
    ({ role, entry }) => (role === null ? `ALTER DATABASE ${HERE} ` : `ALTER ROLE ${name(role)} IN DATABASE ${HERE} `) + setting(entry),
  )
}

async function privileges(session: Session, database: string): Promise<readonly Grant[]> {
  return session.query<Grant>(`
    SELECT coalesce(e.rolname, '') AS grantee, g.rolname AS grantor, a.privilege_type AS privilege, a.is_grantable AS grantable
    FROM pg_database d CROSS JOIN aclexplode(d.datacl) a JOIN pg_authid g ON g.oid = a.grantor LEFT JOIN pg_authid e ON e.oid = a.grantee
    WHERE d.datname = ${literal(database)}`)
}

/** `EXECUTE '...' || the name || '...'`. */
function executed(statement: string): string {
  return `EXECUTE ${statement.split(HERE).map(literal).join(' || pg_catalog.quote_ident(pg_catalog.current_database()) || ')};`
}
