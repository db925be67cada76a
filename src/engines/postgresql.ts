// PostgreSQL: a server whose databases are dumped as SQL, the whole server in one file.

import type { Endpoint, Engine, Format } from './engine.ts'
import { dump } from './postgresql/dump.ts'
import { inspect, survey } from './postgresql/inspect.ts'
import { load } from './postgresql/load.ts'
import { checkEnds } from './postgresql/marks.ts'
import { recipe } from './postgresql/recipe.ts'
import { settings } from './postgresql/settings.ts'

const sql: Format = {
  name: 'sql',
  extension: '.sql',
  fills: 'awake',
  kind: 'logical',
  byHand: (file) => ['createdb -h HOST -U USER DATABASE', `psql -X -v ON_ERROR_STOP=1 -h HOST -U USER -d DATABASE -f ${file}`],
}

export const postgresql: Engine = {
  name: 'postgresql',
  title: 'PostgreSQL',
  counts: { what: 'row', of: 'table' },
  formats: [sql],
  recipe,
  settings,
  uri,
  inspect,
  survey,
  dump: (target, _format, signal) => dump(target, signal),
  load: (target, _format, bytes, signal) => load(target, bytes, signal),
  check: (_format, bytes) => checkEnds(bytes),
}

function uri(endpoint: Endpoint | undefined): string {
  if (endpoint === undefined) throw new Error('a PostgreSQL database is a server, and has an endpoint')
  const { host, port, user, password, database } = endpoint
  const [login, secret, path] = [user, password.reveal(), database].map(encodeURIComponent)
  return `postgresql://${login}:${secret}@${host}:${port}/${path}`
}
