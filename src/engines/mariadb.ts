// MariaDB: a server that is dumped as a whole into one file, as SQL or as a prepared physical copy.

import type { Endpoint, Engine, Format } from './engine.ts'
import { backUp } from './mariadb/backup.ts'
import { MARIADB } from './mariadb/dialect.ts'
import { dump } from './mariadb/dump.ts'
import { checkFolder, layDown } from './mariadb/folder.ts'
import { inspect, survey } from './mariadb/inspect.ts'
import { load } from './mariadb/load.ts'
import { checkEnds } from './mariadb/marks.ts'
import { pieces } from './mariadb/pieces.ts'
import { recipe } from './mariadb/recipe.ts'
import { MARIADB_VOCABULARY, readSettings } from './mariadb/settings.ts'
import { uri } from './mariadb/uri.ts'
import { tableRows } from './mariadb/table-rows.ts'

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

const tar: Format = {
  name: 'tar',
  extension: '.tar',
  fills: 'asleep',
  kind: 'physical',
  byHand: (file) => [
    `mkdir -m 700 FOLDER && tar -xf ${file} -C FOLDER`,
    `mariadbd --defaults-file=FOLDER/backup-my.cnf --datadir=FOLDER --socket=FOLDER/socket --bind-address=127.0.0.1 --port=PORT   # by the server's own major version, FOLDER from / on, as its owner, who is not root; the accounts and passwords are those of the snapshot`,
  ],
}

export const mariadb: Engine = {
  name: 'mariadb',
  title: 'MariaDB',
  counts: { what: 'row', of: 'table' },
  formats: [sql, tar],
  recipe,
  settings: (environment, password) => readSettings(MARIADB_VOCABULARY, environment, password),
  uri: (endpoint: Endpoint | undefined) => uri(endpoint),
  inspect: (target) => inspect(MARIADB, target),
  concerns: () => Promise.resolve([]),
  survey: (target, depth, signal) => survey(MARIADB, target, depth, signal),
  async dump(target, format, signal, ready) {
    if (format.name !== 'tar') return dump(MARIADB, target, signal, ready)
    await ready?.('fix')
    return backUp(MARIADB, target, signal)
  },
  load: (target, format, bytes, signal) => (format.name === 'tar' ? layDown(target, bytes, signal) : load(MARIADB, target, bytes, signal)),
  pieces: pieces(MARIADB),
  tableRows: (format, file, table, _scratch, signal) => (format.name === 'tar' ? null : tableRows(file, table, signal)),
  check: (format, bytes) => (format.name === 'tar' ? checkFolder(bytes) : checkEnds(bytes)),
}
