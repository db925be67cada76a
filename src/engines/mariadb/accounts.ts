// Accounts, roles and grants, as statements that any server takes: an account that is there already keeps its password, and the
// one Hayai logs in with is never touched, so that a restore elsewhere changes nobody's login.

import type { Outline, Server } from './catalog.ts'
import { key } from './passage.ts'
import type { Session } from './session.ts'
import { account, literal, name, onlyIf, statement, tokens, unquoted, type Part } from './sql.ts'

export interface Accounts {
  /** Makes them, with what they may do in general. To be said before anything belongs to them. */
  readonly create: string
  /** Which routines they may call: to be said when those are there, and before views, which are made only if they may be used. */
  readonly callsInMain: string
  readonly calls: string
  /** What else they may do. To be said when everything is there. */
  readonly grants: string
  readonly notes: readonly string[]
}

interface Account {
  readonly user: string
  readonly host: string
  readonly role: 0 | 1
}

export async function readAccounts(session: Session, server: Server, outline: Outline): Promise<Accounts> {
  const { dialect } = server
  const [me] = await session.query<{ user: string; host: string }>(`
    SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', CHAR_LENGTH(CURRENT_USER()) - CHAR_LENGTH(REPLACE(CURRENT_USER(), '@', ''))) AS user,
      SUBSTRING_INDEX(CURRENT_USER(), '@', -1) AS host`)
  if (me === undefined) throw new Error('the server does not tell who we are')
  const all = await session.query<Account>(
    `SELECT User AS user, Host AS host, ${dialect.isRole} AS role FROM mysql.user ORDER BY BINARY User, BINARY Host`,
  )
  const isMe = (each: Account): boolean => each.user === me.user && each.host === me.host
  const isRoot = (each: Account): boolean => each.user === 'root' && each.host === 'localhost' // every server has its own
  const accounts = all.filter((each) => !dialect.systemUsers.includes(each.user) && !isRoot(each) && !isMe(each))

  const objects = await readObjects(session, outline)
  const create: string[] = []
  const general: string[] = []
  const callsInMain: string[] = []
  const calls: string[] = []
  const grants: string[] = []
  const left: string[] = []
  for (const each of accounts.toSorted((a, b) => b.role - a.role)) create.push(await creation(session, server, each))
  if (!isRoot({ ...me, role: 0 })) {
    // What belongs to the login works elsewhere, too; but nobody can log in there as what may be another's account.
    const login = account(me.user, me.host)
    create.push(`SET @hayai_login = (SELECT COUNT(*) FROM mysql.user WHERE User = ${literal(me.user)} AND Host = ${literal(me.host)});\n`)
    create.push(`CREATE USER IF NOT EXISTS ${login} ACCOUNT LOCK;\n`)
    for (const database of outline.databases) {
      general.push(onlyIf('@hayai_login = 0', ['GRANT ALL PRIVILEGES ON ', ...exact(objects, name(database)), `.* TO ${login}`]))
    }
  }
  const publicly: readonly Account[] =
    dialect.extended && all.some(({ user }) => user === 'PUBLIC') ? [{ user: 'PUBLIC', host: '', role: 1 }] : []
  for (const each of [...accounts, ...publicly]) {
    const grantee = granteeOf(each, server)
    for (const shown of await firstColumn(session, `SHOW GRANTS FOR ${grantee}`)) {
      const written = grant(shown, grantee, objects)
      ;({ general, callsInMain, calls, grants })[written.on].push(written.statement)
      if (written.left !== undefined) left.push(written.left)
    }
  }
  for (const each of accounts) general.push(...(await defaultRoles(session, server, each)))
  const notes = left.length === 0 ? [] : [`Rights to what is no longer there are not carried: ${left.join('; ')}.`]
  return {
    create: [...create, ...general].join(''),
    callsInMain: callsInMain.join(''),
    calls: calls.join(''),
    grants: grants.join(''),
    notes,
  }
}

function granteeOf({ user, host, role }: Account, { dialect }: Server): string {
  if (user === 'PUBLIC' && dialect.extended) return 'PUBLIC'
  return role === 1 ? name(user) : account(user, host)
}

async function firstColumn(session: Session, query: string): Promise<readonly string[]> {
  return (await session.query<Record<string, string>>(query)).map((row) => Object.values(row)[0] ?? '')
}

async function creation(session: Session, server: Server, each: Account): Promise<string> {
  if (each.role === 1) return `CREATE ROLE IF NOT EXISTS ${name(each.user)};\n`
  const [shown = ''] = await firstColumn(session, `SHOW CREATE USER ${account(each.user, each.host)}`)
  const text = shown.replace(/^CREATE USER /, 'CREATE USER IF NOT EXISTS ')
  // MySQL names roles here that may not be there yet; they follow when they are.
  return `${server.dialect.extended ? text : text.replace(/ DEFAULT ROLE (?:`(?:[^`]|``)*`@`(?:[^`]|``)*`,?)+/, '')};\n`
}

async function defaultRoles(session: Session, { dialect }: Server, { user, host, role }: Account): Promise<readonly string[]> {
  if (dialect.extended || role === 1) return [] // MariaDB shows them among the grants
  const roles = await session.query<{ user: string; host: string }>(`
    SELECT DEFAULT_ROLE_USER AS user, DEFAULT_ROLE_HOST AS host FROM mysql.default_roles WHERE USER = ${literal(user)} AND HOST = ${literal(host)}`)
  if (roles.length === 0) return []
  return [`SET DEFAULT ROLE ${roles.map((each) => account(each.user, each.host)).join(', ')} TO ${account(user, host)};\n`]
}

/** What may be granted, for a grant of what is gone cannot be repeated. */
interface Objects {
  readonly main: string
  readonly databases: ReadonlySet<string>
  readonly tables: ReadonlySet<string>
  readonly routines: ReadonlySet<string>
  /** Of tables on whose columns there are grants. */
  readonly columns: ReadonlySet<string>
}

async function readObjects(session: Session, { databases, tables }: Outline): Promise<Objects> {
  const routines = await session.query<{ database: string; name: string }>(`
    SELECT ROUTINE_SCHEMA AS \`database\`, ROUTINE_NAME AS name FROM information_schema.ROUTINES`)
  const granted = await session.query<{ database: string; table: string }>(`
    SELECT DISTINCT TABLE_SCHEMA AS \`database\`, TABLE_NAME AS \`table\` FROM information_schema.COLUMN_PRIVILEGES`)
  const columns = new Set<string>()
  for (const { database, table } of granted) {
    const there = await session.query<{ name: string }>(`SELECT COLUMN_NAME AS name FROM information_schema.COLUMNS
      WHERE TABLE_SCHEMA = ${literal(database)} AND TABLE_NAME = ${literal(table)}`)
    for (const column of there) columns.add(key(key(database, table), column.name.toLowerCase()))
  }
  return {
    main: databases[0] ?? '',
    databases: new Set(databases),
    tables: new Set(tables.map((each) => key(each.database, each.name))),
    routines: new Set(routines.map((each) => key(each.database, each.name.toLowerCase()))),
    columns,
  }
}

const QUOTED = '`(?:[^`]|``)*`'
const GRANTEE = `${QUOTED}(?:@${QUOTED})?|PUBLIC`
const ON_OBJECT = new RegExp(
  `^GRANT ((?:[^\`]|${QUOTED})+?) ON ((?:TABLE |FUNCTION |PROCEDURE |PACKAGE BODY |PACKAGE )?)(\\*|${QUOTED})\\.(\\*|${QUOTED}) TO (${GRANTEE})([\\s\\S]*)$`,
)
const OF_ROLES = new RegExp(`^GRANT (?:${QUOTED}(?:@${QUOTED})?,?)+ TO (${GRANTEE})( WITH ADMIN OPTION)?$`)

interface Grant {
  /** What repeats it; '' when there is nothing to say. */
  readonly statement: string
  readonly on: 'general' | 'callsInMain' | 'calls' | 'grants'
  /** What cannot be repeated of it. */
  readonly left?: string
}

/** Repeats what SHOW GRANTS says, without the password that it shows along with it. */
function grant(shown: string, grantee: string, objects: Objects): Grant {
  const ofRoles = OF_ROLES.exec(shown)
  if (ofRoles !== null) return { on: 'general', statement: ofRoles[1] === grantee ? `${shown};\n` : '' }
  const onObject = ON_OBJECT.exec(shown)
  if (onObject === null) return { on: 'general', statement: `${shown};\n` } // PROXY, SET DEFAULT ROLE, REVOKE
  const [, all = '', kind = '', database = '', object = '', to = '', more = ''] = onObject
  const privileges = stillThere(all, database, object, objects)
  // A role shows what it has through others, too; and everybody may log in.
  if (to !== grantee || (privileges === 'USAGE' && database === '*')) return { on: 'general', statement: '' }
  const left = `${all} ON ${kind}${database}.${object} TO ${to}`
  if (privileges === '' || !isThere(privileges, kind, database, object, objects)) return { on: 'general', statement: '', left }
  const parts: Part[] = [`GRANT ${privileges} ON ${kind}`, ...(object === '*' ? pattern(objects, database) : exact(objects, database))]
  const passedOn = / WITH GRANT OPTION\b/.test(plain(more)) ? ' WITH GRANT OPTION' : ''
  const onTable = kind === '' || kind === 'TABLE '
  const on = object === '*' ? 'general' : onTable ? 'grants' : unquoted(database) === objects.main ? 'callsInMain' : 'calls'
  return { on, statement: statement([...parts, `.${object} TO ${to}${passedOn}`]), ...(privileges === all ? {} : { left }) }
}

/** The text without what is quoted in it: passwords of accounts, subjects of certificates. */
function plain(text: string): string {
  return tokens(text)
    .filter((token) => !/^[`'"]/.test(token))
    .join('')
}

/** Takes columns out that are gone. */
function stillThere(privileges: string, database: string, object: string, { columns }: Objects): string {
  const lists = new RegExp(`([A-Z ]+?) \\((${QUOTED}(?:, ?${QUOTED})*)\\)`, 'g')
  let lost = false
  const table = key(unquoted(database), unquoted(object))
  const kept = privileges.replaceAll(lists, (whole, privilege: string, list: string) => {
    const names = tokens(list).filter((token) => token.startsWith('`'))
    const there = names.filter((each) => columns.has(key(table, unquoted(each).toLowerCase())))
    if (there.length === names.length) return whole
    lost = true
    return there.length === 0 ? '' : `${privilege} (${there.join(', ')})`
  })
  return lost
    ? kept
        .split(/, ?(?![^(]*\))/)
        .filter((each) => each.trim() !== '')
        .join(', ')
    : kept
}

function isThere(privileges: string, kind: string, database: string, object: string, { databases, tables, routines }: Objects): boolean {
  if (database === '*' || object === '*') return true
  const [schema, thing] = [unquoted(database), unquoted(object)]
  if (!databases.has(schema)) return /^(?:mysql|sys|information_schema|performance_schema)$/.test(schema)
  if (kind !== '' && kind !== 'TABLE ') return routines.has(key(schema, thing.toLowerCase()))
  return tables.has(key(schema, thing)) || /\b(?:CREATE(?! VIEW)|ALL PRIVILEGES)\b/.test(plain(privileges))
}

function exact({ main }: Objects, database: string): readonly Part[] {
  return database !== '*' && unquoted(database) === main ? [{ main: 'name' }] : [database]
}

/** In a grant on a whole database its name is a pattern. */
function pattern({ main }: Objects, database: string): readonly Part[] {
  if (database === '*') return [database]
  const written = unquoted(database)
  if (written === main) return [{ main: 'name' }]
  return written.replaceAll(/\\([_%\\])/g, '$1') === main ? [{ main: 'pattern' }] : [database]
}
