// What a server holds, by its own count: each engine of the catalogue that can be counted has a function here, under its name.

import { HayaiError } from '../../base/errors.ts'
import type { Census, Endpoint, Target } from '../engine.ts'
import { ask, askJson, at, listAt } from './http.ts'
import { influxdb2 } from './influxdb2.ts'

export interface Counted {
  readonly version: string
  readonly census: Census
}

export type Counter = (target: Pick<Target, 'endpoint' | 'version'>, signal: AbortSignal | undefined) => Promise<Counted>

export const COUNTERS = {
  etcd: asking(etcd),
  influxdb1: asking(influxdb1),
  influxdb2: asking(influxdb2),
  victoriametrics: asking(victoriametrics),
} satisfies Readonly<Record<string, Counter>>

function asking(count: (endpoint: Endpoint, signal: AbortSignal | undefined) => Promise<Counted>): Counter {
  return ({ endpoint }, signal) => {
    if (endpoint === undefined) throw new Error('this database is a server, and has an endpoint')
    return count(endpoint, signal)
  }
}

/** Keys, and the revision: each change makes a new one, so two that are equal are of the same data. */
async function etcd(endpoint: Endpoint, signal: AbortSignal | undefined): Promise<Counted> {
  const all = Buffer.from([0]).toString('base64') // from the first key to the last
  const post = (path: string, body: object) => askJson(endpoint, path, { method: 'POST', body: JSON.stringify(body), signal })
  const [version, range, leases, users] = [
    await askJson(endpoint, '/version', { signal }),
    await post('/v3/kv/range', { key: all, range_end: all, count_only: true }),
    await post('/v3/lease/leases', {}),
    await post('/v3/auth/user/list', {}),
  ]
  const objects = {
    revision: Number(at(range, 'header', 'revision')),
    leases: listAt(leases, 'leases').length,
    users: listAt(users, 'users').length,
  }
  return { version: String(at(version, 'etcdserver')), census: { tables: { keys: Number(at(range, 'count') ?? 0) }, objects } }
}

/** Values by measurement: those of all its fields together. */
async function influxdb1(endpoint: Endpoint, signal: AbortSignal | undefined): Promise<Counted> {
  const version = (await ask(endpoint, '/ping', { signal })).headers.get('x-influxdb-version') ?? ''
  const query = async (text: string): Promise<readonly unknown[]> => {
    const answer = await askJson(endpoint, '/query', { method: 'POST', body: new URLSearchParams({ q: text }), signal })
    const failed = at(answer, 'results', 0, 'error') ?? at(answer, 'error')
    if (failed === 'shard is disabled') throw new HayaiError('WRONG_STATE', 'InfluxDB is still taking in what was restored into it')
    if (failed !== undefined) throw new Error(`InfluxDB answers ${text} with: ${JSON.stringify(failed)}`)
    return listAt(answer, 'results', 0, 'series')
  }
  const firstColumn = async (text: string) => listAt((await query(text))[0], 'values').map((row) => String(at(row, 0)))
  const databases = (await firstColumn('SHOW DATABASES')).filter((name) => name !== '_internal')
  const tables: Record<string, number> = {}
  let policies = 0
  for (const database of databases) {
    for (const policy of await firstColumn(`SHOW RETENTION POLICIES ON ${quoted(database)}`)) {
      policies += 1
      for (const series of await query(`SELECT count(*) FROM ${quoted(database)}.${quoted(policy)}./.*/`)) {
        const [, ...counts] = listAt(series, 'values', 0) // the first one is a time
        tables[`${database}/${policy}.${String(at(series, 'name'))}`] = counts.reduce<number>((sum, count) => sum + Number(count ?? 0), 0)
      }
    }
  }
  const users = (await firstColumn('SHOW USERS')).length
  const queries = (await query('SHOW CONTINUOUS QUERIES')).reduce<number>((sum, series) => sum + listAt(series, 'values').length, 0)
  const objects = { databases: databases.length, 'retention policies': policies, users, 'continuous queries': queries }
  return { version, census: { tables, objects } }
}

function quoted(name: string): string {
  return `"${name.replaceAll(/["\\]/g, '\\$&')}"`
}

const DAY = 24 * 60 * 60

/** Points by name of metric, all of them passed over; and series, those too that were deleted: the index still has them. */
async function victoriametrics(endpoint: Endpoint, signal: AbortSignal | undefined): Promise<Counted> {
  await ask(endpoint, '/internal/force_flush', { signal }) // what has just come is not found before
  const metrics = await (await ask(endpoint, '/metrics', { signal })).text()
  const version = /^vm_app_version\{.*short_version="v?([^"]+)"/m.exec(metrics)?.[1] ?? VICTORIAMETRICS
  const end = String(Math.floor(Date.now() / 1000) + 3 * DAY) // it takes points of the next two days
  const body = new URLSearchParams({ 'match[]': '{__name__!=""}', start: '0', end, reduce_mem_usage: '1' })
  const answer = await ask(endpoint, '/api/v1/export', { method: 'POST', body, signal })
  const points = new Map<string, number>()
  for await (const line of linesOf(answer)) {
    const block: unknown = JSON.parse(line)
    const name = String(at(block, 'metric', '__name__'))
    points.set(name, (points.get(name) ?? 0) + listAt(block, 'timestamps').length)
  }
  const series = Number(at(await askJson(endpoint, '/api/v1/series/count', { signal }), 'data', 0) ?? 0)
  const tables = Object.fromEntries([...points].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  return { version, census: { tables, objects: { series } } }
}

/** Debian's builds do not tell which one they are; all there are begin with this. */
export const VICTORIAMETRICS = '1'

async function* linesOf(answer: Response): AsyncIterable<string> {
  const body: AsyncIterable<Uint8Array> | null = answer.body
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body ?? []) {
    const pieces = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = pieces.pop() ?? ''
    for (const piece of pieces) if (piece !== '') yield piece
  }
  if (rest !== '') yield rest
}
