// MariaDB: a server whose databases are dumped as SQL, the whole server in one file.

import type { Endpoint, Engine, Format } from './engine.ts'
import { MARIADB } from './mariadb/dialect.ts'
import { dump } from './mariadb/dump.ts'
import { inspect, survey } from './mariadb/inspect.ts'
import { load } from './mariadb/load.ts'
import { checkEnds } from './mariadb/marks.ts'
import { recipe } from './mariadb/recipe.ts'
import { MARIADB_VOCABULARY, readSettings } from './mariadb/settings.ts'
import { uri } from './mariadb/uri.ts'

const sql: Format = {
  name: 'sql',
  extension: '.sql',
  fills: 'awake',
  kind: 'logical',
  byHand: (file) => [
    'mariadb -h HOST -u USER -p -e "CREATE DATABASE NEW"',
    `mariadb --binary-mode --max-allowed-packet=1G -h HOST -u USER -p -D NEW < ${file}`,
  ],
}

export const mariadb: Engine = {
  name: 'mariadb',
  title: 'MariaDB',
  counts: { what: 'row', of: 'table' },
  formats: [sql],
  recipe,
  settings: (environment, password) => readSettings(MARIADB_VOCABULARY, environment, password),
  uri: (endpoint: Endpoint | undefined) => uri(endpoint),
  inspect: (target) => inspect(MARIADB, target),
  survey: (target, depth, signal) => survey(MARIADB, target, depth, signal),
  dump: (target, _format, signal, ready) => dump(MARIADB, target, signal, ready),
  load: (target, _format, bytes, signal) => load(MARIADB, target, bytes, signal),
  check: (_format, bytes) => checkEnds(bytes),
}
