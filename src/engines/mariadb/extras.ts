// What is in the server beside databases and accounts: plugins and functions from libraries, connections to other servers, and
// the names of time zones. All of it is left as it is where it is there already.

import type { Session } from './session.ts'
import { literal, name, onlyIf } from './sql.ts'

export async function readExtras(session: Session): Promise<string> {
  const statements: string[] = []
  const plugins = await session.query<{ name: string; dl: string }>('SELECT name, dl FROM mysql.plugin ORDER BY name')
  for (const { name: plugin, dl } of plugins) {
    const install = `INSTALL PLUGIN ${name(plugin)} SONAME ${literal(dl)}`
    statements.push(onlyIf(`(SELECT COUNT(*) FROM information_schema.PLUGINS WHERE PLUGIN_NAME = ${literal(plugin)}) = 0`, [install]))
  }
  const functions = await session.query<{ name: string; ret: number; dl: string; type: string }>(
    'SELECT name, ret, dl, type FROM mysql.func ORDER BY name',
  )
  for (const { name: callable, ret, dl, type } of functions) {
    const create = `CREATE ${type === 'aggregate' ? 'AGGREGATE ' : ''}FUNCTION ${name(callable)} RETURNS ${RETURNS[ret] ?? 'STRING'} SONAME ${literal(dl)}`
    statements.push(onlyIf(`(SELECT COUNT(*) FROM mysql.func WHERE name = ${literal(callable)}) = 0`, [create]))
  }
  const servers = await session.query<ForeignServer>('SELECT * FROM mysql.servers ORDER BY Server_name')
  for (const each of servers) {
    statements.push(
      onlyIf(`(SELECT COUNT(*) FROM mysql.servers WHERE Server_name = ${literal(each.Server_name)}) = 0`, [createServer(each)]),
    )
  }
  return statements.join('') + (await readTimeZones(session))
}

const RETURNS: readonly string[] = ['STRING', 'REAL', 'INTEGER', 'STRING', 'DECIMAL']

interface ForeignServer {
  readonly Server_name: string
  readonly Host: string
  readonly Db: string
  readonly Username: string
  readonly Password: string
  readonly Port: number
  readonly Socket: string
  readonly Wrapper: string
  readonly Owner: string
}

function createServer(server: ForeignServer): string {
  const options = [
    ['HOST', server.Host],
    ['DATABASE', server.Db],
    ['USER', server.Username],
    ['PASSWORD', server.Password],
    ['SOCKET', server.Socket],
    ['OWNER', server.Owner],
  ].flatMap(([option = '', value = '']) => (value === '' ? [] : [`${option} ${literal(value)}`]))
  const port = server.Port === 0 ? [] : [`PORT ${server.Port}`]
  return `CREATE SERVER ${name(server.Server_name)} FOREIGN DATA WRAPPER ${name(server.Wrapper)} OPTIONS (${[...options, ...port].join(', ')})`
}

const ZONE_TABLES = ['time_zone', 'time_zone_name', 'time_zone_leap_second', 'time_zone_transition', 'time_zone_transition_type'] as const
const ROWS_AT_ONCE = 2000

/** An event may be of a zone that the server knows by name: then it must know it before the event is created. */
async function readTimeZones(session: Session): Promise<string> {
  const [known] = await session.query<{ number: number }>('SELECT COUNT(*) AS number FROM mysql.time_zone_name')
  if ((known?.number ?? 0) === 0) return ''
  const statements = ['SET @hayai_zones = (SELECT COUNT(*) FROM mysql.time_zone_name);\n']
  for (const table of ZONE_TABLES) {
    const rows = await session.query<Record<string, string | number>>(`SELECT * FROM mysql.${table}`)
    for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) {
      const some = rows.slice(from, from + ROWS_AT_ONCE)
      const values = some.map(
        (row) =>
          `(${Object.values(row)
            .map((value) => (typeof value === 'number' ? String(value) : literal(value)))
            .join(',')})`,
      )
      statements.push(onlyIf('@hayai_zones = 0', [`INSERT INTO mysql.${table} VALUES ${values.join(',')}`]))
    }
  }
  return statements.join('')
}
