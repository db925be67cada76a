// An engine of this family, made from what is its own.

import type { Census, Endpoint, Engine, Format } from '../engine.ts'
import type { Dialect } from './dialect.ts'
import { dump } from './dump.ts'
import { inspect } from './inspect.ts'
import { load } from './load.ts'
import { checkRdb } from './marks.ts'
import { recipe } from './recipe.ts'
import { settings } from './settings.ts'

export function engine(dialect: Dialect): Engine {
  return {
    name: dialect.name,
    title: dialect.title,
    formats: [rdb(dialect)],
    recipe: recipe(dialect),
    settings: (environment, password) => settings(dialect, environment, password),
    uri,
    inspect: (target) => inspect(dialect, target),
    dump: (target, _format, signal) => dump(dialect, target, signal),
    load: (target, _format, bytes, signal) => load(target, bytes, signal),
    check: (_format, bytes) => checkRdb(bytes),
  }
}

function rdb({ name }: Dialect): Format {
  return {
    name: 'rdb',
    extension: '.rdb',
    fills: 'asleep',
    kind: 'logical',
    byHand: (file: string, _census: Census) => [
      `mkdir FOLDER && cp ${file} FOLDER/dump.rdb`,
      `${name}-server --bind 127.0.0.1 --port PORT --dir FOLDER --appendonly no --daemonize yes`,
      `${name}-cli -p PORT CONFIG SET appendonly yes   # only where a log of changes (AOF) is wanted`,
    ],
  }
}

/** In the form that every client of either server understands; some take an empty name for one that is to be logged in with. */
function uri(endpoint: Endpoint | undefined): string {
  if (endpoint === undefined) throw new Error('this database is a server, and has an endpoint')
  const { user, password, host, port } = endpoint
  return `redis://${encodeURIComponent(user)}:${encodeURIComponent(password.reveal())}@${host}:${port}`
}
