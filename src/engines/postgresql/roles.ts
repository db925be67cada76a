// Roles, memberships and their settings, as statements that any server takes: a role that is there already stays as it is,
// and the one Hayai logs in with is never touched, so that a restore elsewhere changes nobody's login.

import type { Session } from './session.ts'
import { block, grants, literal, name, setting, type Grant } from './sql.ts'

interface Role {
  readonly name: string
  readonly superuser: boolean
  readonly inherit: boolean
  readonly createrole: boolean
  readonly createdb: boolean
  readonly login: boolean
  readonly replication: boolean
  readonly bypassrls: boolean
  readonly limit: number
  readonly password: string | null
  readonly until: string | null
  readonly comment: string | null
}

/** `login` is the role Hayai connects as; its password is not carried. */
export async function createRoles(session: Session, login: string, major: number): Promise<string> {
  const roles = await session.query<Role>(`
    SELECT rolname AS name, rolsuper AS superuser, rolinherit AS inherit, rolcreaterole AS createrole, rolcreatedb AS createdb,
      rolcanlogin AS login, rolreplication AS replication, rolbypassrls AS bypassrls, rolconnlimit AS limit, rolpassword AS password,
      rolvaliduntil::text AS until, shobj_description(oid, 'pg_authid') AS comment
    FROM pg_authid WHERE rolname !~ '^pg_' ORDER BY rolname`)
  const statements = roles.map((role) =>
    block(
      `IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = ${literal(role.name)}) THEN`,
      `  CREATE ROLE ${name(role.name)} WITH ${attributes(role, login)};`,
      'END IF;',
    ),
  )
  const comments = roles.flatMap((role) =>
    role.comment === null ? [] : [`COMMENT ON ROLE ${name(role.name)} IS ${literal(role.comment)};\n`],
  )
  return [...statements, ...comments, ...(await memberships(session, login, major)), ...(await parameterGrants(session, major))].join('\n')
}

function attributes(role: Role, login: string): string {
  const flag = (has: boolean, word: string): string => (has ? word : `NO${word}`)
  return [
    flag(role.superuser, 'SUPERUSER'),
    flag(role.inherit, 'INHERIT'),
    flag(role.createrole, 'CREATEROLE'),
    flag(role.createdb, 'CREATEDB'),
    flag(role.login, 'LOGIN'),
    flag(role.replication, 'REPLICATION'),
    flag(role.bypassrls, 'BYPASSRLS'),
    `CONNECTION LIMIT ${role.limit}`,
    ...(role.password === null || role.name === login ? [] : [`PASSWORD ${literal(role.password)}`]),
    ...(role.until === null ? [] : [`VALID UNTIL ${literal(role.until)}`]),
  ].join(' ')
}

interface Membership {
  readonly role: string
  readonly member: string
  readonly grantor: string | null
  readonly stock: boolean
  readonly admin: boolean
  readonly inherit: boolean | null
  readonly set: boolean | null
}

async function memberships(session: Session, login: string, major: number): Promise<readonly string[]> {
  const options = major >= 16 ? 'a.inherit_option AS inherit, a.set_option AS set' : 'NULL::bool AS inherit, NULL::bool AS set'
  const rows = await session.query<Membership>(`
    SELECT r.rolname AS role, m.rolname AS member, g.rolname AS grantor, a.grantor = 10 AS stock, a.admin_option AS admin, ${options}
    FROM pg_auth_members a JOIN pg_authid r ON r.oid = a.roleid JOIN pg_authid m ON m.oid = a.member LEFT JOIN pg_authid g ON g.oid = a.grantor
    WHERE m.rolname !~ '^pg_' ORDER BY r.rolname, m.rolname, g.rolname`)
  const byDefault = (row: Membership): boolean => row.grantor === null || row.stock || row.grantor === login
  if (major < 16) return rows.map((row) => grantOnOld(row, byDefault(row)))
  return inOrder(rows, byDefault).map((row) => {
    const how = `WITH ADMIN ${row.admin}, INHERIT ${row.inherit ?? true}, SET ${row.set ?? true}`
    const by = byDefault(row) || row.grantor === null ? '' : ` GRANTED BY ${name(row.grantor)}`
    return `GRANT ${name(row.role)} TO ${name(row.member)} ${how}${by};\n`
  })
}

// Before 16 anyone could be named as grantor; from 16 on a grantor must be an admin of the role, and the old name says nothing.
function grantOnOld(row: Membership, byDefault: boolean): string {
  const grant = `GRANT ${name(row.role)} TO ${name(row.member)}${row.admin ? ' WITH ADMIN OPTION' : ''}`
  if (byDefault) return `${grant};\n`
  const old = `pg_catalog.current_setting('server_version_num')::int < 160000`
  return block(`IF ${old} THEN`, `  ${grant} GRANTED BY ${name(row.grantor ?? '')};`, 'ELSE', `  ${grant};`, 'END IF;')
}

/** From 16 on a grantor needs its own admin option first. */
function inOrder(rows: readonly Membership[], byDefault: (row: Membership) => boolean): readonly Membership[] {
  const done: Membership[] = []
  let left = rows
  while (left.length > 0) {
    const ready = left.filter(
      (row) => byDefault(row) || done.some((each) => each.admin && each.role === row.role && each.member === row.grantor),
    )
    if (ready.length === 0) return [...done, ...left] // the server says what is wrong with them
    done.push(...ready)
    left = left.filter((row) => !ready.includes(row))
  }
  return done
}

async function parameterGrants(session: Session, major: number): Promise<readonly string[]> {
  if (major < 15) return []
  const rows = await session.query<Grant & { parameter: string; owner: string }>(`
    SELECT p.parname AS parameter, o.rolname AS owner, coalesce(e.rolname, '') AS grantee, g.rolname AS grantor,
      a.privilege_type AS privilege, a.is_grantable AS grantable
    FROM pg_parameter_acl p CROSS JOIN aclexplode(p.paracl) a JOIN pg_authid o ON o.oid = 10
      JOIN pg_authid g ON g.oid = a.grantor LEFT JOIN pg_authid e ON e.oid = a.grantee
    WHERE a.grantee <> 10 ORDER BY p.parname`)
  // The superuser has them all anyway: only what others got is said.
  return rows.flatMap((row) =>
    grants(`PARAMETER ${name(row.parameter)}`, row.owner, [row], false)
      .slice(1)
      .map((each) => `${each};\n`),
  )
}

/** What `ALTER ROLE ... SET` set. To be applied last: such a setting must not hinder the restore itself. */
export async function roleSettings(session: Session): Promise<string> {
  const rows = await session.query<{ role: string | null; entry: string }>(`
    SELECT r.rolname AS role, unnest(s.setconfig) AS entry
    FROM pg_db_role_setting s LEFT JOIN pg_authid r ON r.oid = s.setrole WHERE s.setdatabase = 0 ORDER BY r.rolname`)
  return rows.map(({ role, entry }) => `ALTER ROLE ${role === null ? 'ALL' : name(role)} ${setting(entry)};\n`).join('')
}
