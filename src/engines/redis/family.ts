// An engine of this family, made from what is its own.

import type { Endpoint, Engine, Format } from '../engine.ts'
import type { Dialect } from './dialect.ts'
import { dump } from './dump.ts'
import { checkFolder } from './folder.ts'
import { inspect } from './inspect.ts'
import { load } from './load.ts'
import { checkRdb } from './marks.ts'
import { pieces } from './pieces.ts'
import { recipe } from './recipe.ts'
import { settings } from './settings.ts'
import { survey } from './survey.ts'

export function engine(dialect: Dialect): Engine {
  return {
    name: dialect.name,
    title: dialect.title,
    counts: { what: 'key', of: 'db' },
    formats: [rdb(dialect), tar(dialect)],
    recipe: recipe(dialect),
    settings: (environment, password) => settings(dialect, environment, password),
    uri,
    inspect: (target) => inspect(dialect, target),
    concerns: () => Promise.resolve([]),
    survey: (target, depth, signal) => survey(dialect, target, depth, signal),
    dump: (target, format, signal, ready) => dump(dialect, target, format, signal, ready),
    load,
    pieces,
    tableRows: () => null,
    check: (format, bytes) => (format.name === 'tar' ? checkFolder(bytes) : checkRdb(bytes)),
  }
}

function rdb({ name }: Dialect): Format {
  return {
    name: 'rdb',
    extension: '.rdb',
    fills: 'asleep',
    kind: 'logical',
    overwritten: true, // `redis-cli --rdb FILE` writes what it fetches into that file, through links too
    byHand: (file) => [
      `mkdir FOLDER && cp ${file} FOLDER/dump.rdb`,
      `${name}-server --bind 127.0.0.1 --port PORT --dir FOLDER --appendonly no --daemonize yes`,
      `${name}-cli -p PORT CONFIG SET appendonly yes   # only where a log of changes (AOF) is wanted`,
    ],
  }
}

function tar({ name }: Dialect): Format {
  return {
    name: 'tar',
    extension: '.tar',
    fills: 'asleep',
    kind: 'physical',
    byHand: (file) => [
      `mkdir FOLDER && tar -xf ${file} -C FOLDER`,
      `${name}-server --bind 127.0.0.1 --port PORT --dir FOLDER --daemonize yes   # the same with --appendonly yes`,
    ],
  }
}

/** In the form that every client of either server understands; some take an empty name for one that is to be logged in with. */
function uri(endpoint: Endpoint | undefined): string {
  if (endpoint === undefined) throw new Error('this database is a server, and has an endpoint')
  const { user, password, host, port, tls } = endpoint
  return `${tls === undefined ? 'redis' : 'rediss'}://${encodeURIComponent(user)}:${encodeURIComponent(password.reveal())}@${host}:${port}`
}
