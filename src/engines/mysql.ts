// MySQL: by the same dialect as MariaDB, with facts of its own.

import type { Endpoint, Engine, Format } from './engine.ts'
import { MYSQL } from './mariadb/dialect.ts'
import { dump } from './mariadb/dump.ts'
import { inspect, survey } from './mariadb/inspect.ts'
import { load } from './mariadb/load.ts'
import { checkEnds } from './mariadb/marks.ts'
import { mysqlRecipe } from './mariadb/mysql-recipe.ts'
import { pieces } from './mariadb/pieces.ts'
import { MYSQL_VOCABULARY, readSettings } from './mariadb/settings.ts'
import { uri } from './mariadb/uri.ts'
import { tableRows } from './mariadb/table-rows.ts'

const sql: Format = {
  name: 'sql',
  extension: '.sql',
  fills: 'awake',
  kind: 'logical',
  byHand: (file) => [
    'mysql -h HOST -u USER -p -e "CREATE DATABASE NEW"',
    `mysql --binary-mode --max-allowed-packet=1G -h HOST -u USER -p -D NEW < ${file}`,
  ],
}

export const mysql: Engine = {
  name: 'mysql',
  title: 'MySQL',
  counts: { what: 'row', of: 'table' },
  formats: [sql],
  recipe: mysqlRecipe,
  settings: (environment, password) => readSettings(MYSQL_VOCABULARY, environment, password),
  uri: (endpoint: Endpoint | undefined) => uri(endpoint),
  inspect: (target) => inspect(MYSQL, target),
  concerns: () => Promise.resolve([]),
  survey: (target, depth, signal) => survey(MYSQL, target, depth, signal),
  dump: (target, _format, signal, ready) => dump(MYSQL, target, signal, ready),
  load: (target, _format, bytes, signal) => load(MYSQL, target, bytes, signal),
  pieces: pieces(MYSQL),
  tableRows: (_format, file, table, _scratch, signal) => tableRows(file, table, signal),
  check: (_format, bytes) => checkEnds(bytes),
}
