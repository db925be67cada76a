// Writing SQL by hand, safely: names, strings, blocks. Needs standard_conforming_strings, which every script of ours turns on.

export function name(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}

export function literal(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}

/** An anonymous block, its dollar quotes chosen so that nothing inside can end it. */
export function block(...body: readonly string[]): string {
  const inside = body.map((line) => `  ${line}\n`).join('')
  let quote = '$hayai$'
  for (let n = 1; inside.includes(quote); n += 1) quote = `$hayai${n}$`
  return `DO ${quote}\nBEGIN\n${inside}END\n${quote};\n`
}

/** One line of a comment, whatever the text holds. */
export function comment(text: string): string {
  return `-- ${text.replaceAll(/[\0-\x1f\x7f]/g, ' ')}\n`
}

/** A name for people and for the census: quoted only where it has to be, the same in every version of the server. */
export function shown(identifier: string): string {
  return /^[\p{L}\p{N}_$ -]+$/u.test(identifier) ? identifier : name(identifier)
}

// Settings whose value is a list of names, each of which has to be quoted by itself (GUC_LIST_QUOTE in the server's source).
const LISTS: ReadonlySet<string> = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
])

/** `SET "work_mem" TO '64MB'`, from an entry of pg_db_role_setting.setconfig. */
export function setting(entry: string): string {
  const at = entry.indexOf('=')
  const key = entry.slice(0, at)
  const value = entry.slice(at + 1)
  const values = LISTS.has(key.toLowerCase()) && value !== '' ? listed(value) : [value]
  return `SET ${name(key)} TO ${values.map(literal).join(', ')}`
}

function listed(value: string): readonly string[] {
  const items = value.match(/"(?:[^"]|"")*"|[^\s,"][^,]*/g) ?? []
  return items.map((item) => (item.startsWith('"') ? item.slice(1, -1).replaceAll('""', '"') : item.trim()))
}

export interface Grant {
  /** Empty: everyone. */
  readonly grantee: string
  readonly grantor: string
  readonly privilege: string
  readonly grantable: boolean
}

/** The statements that turn an object's default privileges into these. `object` is spelled as GRANT wants it. */
export function grants(object: string, owner: string, list: readonly Grant[], everyoneByDefault: boolean): readonly string[] {
  const statements = everyoneByDefault ? [`REVOKE ALL ON ${object} FROM PUBLIC`] : []
  statements.push(`REVOKE ALL ON ${object} FROM ${name(owner)}`)
  for (const { grantee, grantor, privilege, grantable } of list) {
    const grant = `GRANT ${privilege} ON ${object} TO ${grantee === '' ? 'PUBLIC' : name(grantee)}${grantable ? ' WITH GRANT OPTION' : ''}`
    if (grantor === owner) statements.push(grant)
    else statements.push(`SET SESSION AUTHORIZATION ${name(grantor)}`, grant, 'RESET SESSION AUTHORIZATION')
  }
  return statements
}
