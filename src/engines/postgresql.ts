// PostgreSQL: a server that is dumped as a whole into one file, as SQL or as a base backup.

import type { Endpoint, Engine, Format } from './engine.ts'
import { checkArchive } from './postgresql/archive.ts'
import { baseBackup } from './postgresql/base-backup.ts'
import { concerns } from './postgresql/concerns.ts'
import { dump } from './postgresql/dump.ts'
import { inspect, survey } from './postgresql/inspect.ts'
import { layDown } from './postgresql/lay-down.ts'
import { load } from './postgresql/load.ts'
import { checkEnds } from './postgresql/marks.ts'
import { pieces } from './postgresql/pieces.ts'
import { recipe } from './postgresql/recipe.ts'
import { settings } from './postgresql/settings.ts'
import { clientSettings } from './postgresql/tls.ts'
import { tableRows } from './postgresql/table-rows.ts'

const sql: Format = {
  name: 'sql',
  extension: '.sql',
  fills: 'awake',
  kind: 'logical',
  tells: /^-- Dumped from database version (\d+(?:\.\d+)*)/m,
  byHand: (file) => ['createdb -h HOST -U USER DATABASE', `psql -X -v ON_ERROR_STOP=1 -h HOST -U USER -d DATABASE -f ${file}`],
}

const tar: Format = {
  name: 'tar',
  extension: '.tar',
  fills: 'asleep',
  kind: 'physical',
  byHand: (file) => [
    `mkdir -m 700 FOLDER && tar -xf ${file} -C FOLDER`,
    'pg_verifybackup FOLDER   # this and the next with the programs of the same major version, as a user who is not root',
    `pg_ctl start -w -D FOLDER -l FOLDER/log -o "-p PORT -c listen_addresses=127.0.0.1 -c unix_socket_directories="`,
  ],
}

export const postgresql: Engine = {
  name: 'postgresql',
  title: 'PostgreSQL',
  counts: { what: 'row', of: 'table' },
  formats: [sql, tar],
  recipe,
  settings,
  uri,
  inspect,
  concerns,
  survey,
  async dump(target, format, signal, ready) {
    if (format.name !== 'tar') return dump(target, signal, ready)
    await ready?.('fix')
    return baseBackup(target, signal)
  },
  load: (target, format, bytes, signal) => (format.name === 'tar' ? layDown(target, bytes, signal) : load(target, bytes, signal)),
  pieces,
  tableRows: (format, file, table, _scratch, signal) => (format.name === 'tar' ? null : tableRows(file, table, signal)),
  check: (format, bytes, digested) => (format.name === 'tar' ? checkArchive(bytes, digested) : checkEnds(bytes)),
}

function uri(endpoint: Endpoint | undefined): string {
  if (endpoint === undefined) throw new Error('a PostgreSQL database is a server, and has an endpoint')
  const { host, port, user, password, database } = endpoint
  const [login, secret, path] = [user, password.reveal(), database].map(encodeURIComponent)
  const { sslmode, sslrootcert } = clientSettings(endpoint)
  const secured = sslrootcert === undefined ? '' : `?sslmode=${sslmode}&sslrootcert=${encodeURIComponent(sslrootcert)}`
  return `postgresql://${login}:${secret}@${host}:${port}/${path}${secured}`
}
