// Reads `environment:`. REDIS_PASSWORD makes the login; REDIS_AOF_ENABLED, REDIS_RDB_ENABLED and REDIS_SAVE say what is written
// to the disk while the server runs; every other REDIS_<NAME> is the server's setting of that name, if it can be set from there.
// For Valkey the names begin with VALKEY_; those of Redis are understood as well.

import { HayaiError } from '../../base/errors.ts'
import { Secret } from '../../base/secret.ts'
import type { Settings } from '../engine.ts'
import type { Dialect } from './dialect.ts'

/** What Redis itself does when it is told nothing, in every version. */
const SCHEDULE = '3600 1 300 100 60 10000'

export function settings({ name }: Dialect, environment: Readonly<Record<string, string>>, password: Secret): Settings {
  const prefixes = name === 'redis' ? ['REDIS_'] : ['VALKEY_', 'REDIS_']
  let given = password
  let saves = true
  const server: Record<string, string> = { appendonly: 'no', save: SCHEDULE }
  const unknown: string[] = []
  for (const [key, value] of Object.entries(environment)) {
    const prefix = prefixes.find((each) => key.startsWith(each))
    const setting = prefix === undefined ? '' : key.slice(prefix.length).toLowerCase().replaceAll('_', '-')
    if (setting === 'password') given = value === '' ? password : readPassword(key, value)
    else if (setting === 'aof-enabled') server['appendonly'] = readSwitch(key, value) ? 'yes' : 'no'
    else if (setting === 'rdb-enabled') saves = readSwitch(key, value)
    else if (setting === 'save') server['save'] = readSchedule(key, value)
    else if (SETTINGS.has(setting)) server[setting] = oneLine(key, value)
    else unknown.push(key)
  }
  if (!saves) server['save'] = ''
  return { user: 'default', password: given, database: '0', server, unknown }
}

function readPassword(key: string, value: string): Secret {
  if (Buffer.byteLength(value) <= 512 && !CONTROL.test(value)) return new Secret(value)
  throw new HayaiError('CONFIG_INVALID', `${key}: the value is longer than 512 bytes, or holds a line break or another control character`, {
    hint: 'Choose another password.',
  })
}

function readSwitch(key: string, value: string): boolean {
  if (/^(?:yes|true|on|1)$/i.test(value)) return true
  if (/^(?:no|false|off|0)$/i.test(value)) return false
  throw new HayaiError('CONFIG_INVALID', `${key}: ${JSON.stringify(value)} is neither "yes" nor "no"`, { hint: 'Write "yes" or "no".' })
}

/** Pairs of seconds and changes; empty for none. */
function readSchedule(key: string, value: string): string {
  const numbers = value.split(/\s+/).filter((word) => word !== '')
  if (
    numbers.length % 2 === 0 &&
    numbers.every((word) => /^\d{1,9}$/.test(word)) &&
    !numbers.some((word, at) => at % 2 === 0 && Number(word) === 0)
  ) {
    return numbers.join(' ')
  }
  throw new HayaiError('CONFIG_INVALID', `${key}: ${JSON.stringify(value)} is no schedule`, {
    hint: 'Write pairs of seconds and changes: "900 1 300 10" saves after 900 s if a key changed, after 300 s if 10 did.',
  })
}

const CONTROL = /[\0-\x1f\x7f]/

function oneLine(key: string, value: string): string {
  if (!CONTROL.test(value)) return value
  throw new HayaiError('CONFIG_INVALID', `${key}: ${JSON.stringify(value)} holds a line break or another control character`, {
    hint: 'Write it in one line.',
  })
}

// What the servers can be told when they start, but for what Hayai decides: places, ports, accounts, replication, clusters, TLS, modules.
const SETTINGS: ReadonlySet<string> = new Set(
  `
  active-defrag-cycle-max active-defrag-cycle-min active-defrag-ignore-bytes active-defrag-max-scan-fields
  active-defrag-threshold-lower active-defrag-threshold-upper active-expire-effort activedefrag activerehashing
  aof-load-truncated aof-rewrite-incremental-fsync aof-timestamp-enabled aof-use-rdb-preamble appendfsync
  auto-aof-rewrite-min-size auto-aof-rewrite-percentage busy-reply-threshold client-output-buffer-limit
  client-query-buffer-limit databases dynamic-hz enable-debug-command hash-max-listpack-entries hash-max-listpack-value
  hash-max-ziplist-entries hash-max-ziplist-value hll-sparse-max-bytes hz io-threads jemalloc-bg-thread
  latency-monitor-threshold latency-tracking lazyfree-lazy-eviction lazyfree-lazy-expire lazyfree-lazy-server-del
  lazyfree-lazy-user-del lazyfree-lazy-user-flush lfu-decay-time lfu-log-factor list-compress-depth list-max-listpack-size
  list-max-ziplist-size loglevel lua-time-limit maxclients maxmemory maxmemory-clients maxmemory-eviction-tenacity
  maxmemory-policy maxmemory-samples no-appendfsync-on-rewrite notify-keyspace-events proto-max-bulk-len
  rdb-save-incremental-fsync rdbcompression set-max-intset-entries set-max-listpack-entries set-max-listpack-value
  slowlog-log-slower-than slowlog-max-len stop-writes-on-bgsave-error stream-node-max-bytes stream-node-max-entries
  tcp-backlog tcp-keepalive timeout tracking-table-max-keys zset-max-listpack-entries zset-max-listpack-value
  zset-max-ziplist-entries zset-max-ziplist-value`
    .trim()
    .split(/\s+/),
)
