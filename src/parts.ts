// Every engine, runtime and store by name: the one file that imports them all. A new one is one line here.

import type { Parts } from './core/context.ts'
import { dataFolderEngines } from './engines/catalogue.ts'
import { duckdb } from './engines/duckdb.ts'
import { mariadb } from './engines/mariadb.ts'
import { mysql } from './engines/mysql.ts'
import { postgresql } from './engines/postgresql.ts'
import { redis } from './engines/redis.ts'
import { sqlite } from './engines/sqlite.ts'
import { valkey } from './engines/valkey.ts'
import { compose } from './runtimes/compose.ts'
import { embedded } from './runtimes/embedded.ts'
import { native } from './runtimes/native.ts'
import { folderAliases } from './stores/aliases.ts'
import { folderStore } from './stores/folder.ts'

export const parts: Parts = {
  engines: { postgresql, sqlite, duckdb, mariadb, mysql, redis, valkey, ...dataFolderEngines },
  runtimes: { native, embedded, compose },
  openFolder: folderStore,
  openAliases: folderAliases,
}
