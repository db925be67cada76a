// What an InfluxDB 2 holds, by its own count: values by measurement of each bucket, and how many there are of the rest.

import { HayaiError } from '../../base/errors.ts'
import type { Endpoint } from '../engine.ts'
import type { Counted } from './counts.ts'
import { ask, askJson, at, byToken, listAt } from './http.ts'

/** The buckets that it makes for itself, and writes to, are not counted. */
export async function influxdb2(endpoint: Endpoint, signal: AbortSignal | undefined): Promise<Counted> {
  const headers = byToken(endpoint)
  const get = (path: string) => askJson(endpoint, path, { headers, signal })
  const told = at(await askJson(endpoint, '/health', { signal }), 'version')
  const version = typeof told === 'string' ? told.replace(/^v/, '') : ''
  const organizations = await allOf(get, 'orgs')
  const buckets = (await allOf(get, 'buckets')).filter((bucket) => at(bucket, 'type') !== 'system')
  const tables: Record<string, number> = {}
  for (const bucket of buckets) {
    const [id, organization] = [String(at(bucket, 'id')), String(at(bucket, 'orgID'))]
    const owner = organizations.find((each) => at(each, 'id') === organization)
    const body = JSON.stringify({ query: valuesOf(id), type: 'flux', dialect: { annotations: [] } })
    const asked = {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', accept: 'application/csv' },
      body,
      signal,
    } as const
    const answer = await ask(endpoint, `/api/v2/query?orgID=${encodeURIComponent(organization)}`, asked)
    const place = `${String(at(owner, 'name'))}/${String(at(bucket, 'name'))}`
    for (const row of rowsOf(await answer.text())) tables[`${place}.${row.get('_measurement') ?? ''}`] = Number(row.get('_value'))
  }
  const users = (await allOf(get, 'users')).length
  const tokens = listAt(await get('/api/v2/authorizations'), 'authorizations').length
  return { version, census: { tables, objects: { organizations: organizations.length, buckets: buckets.length, users, tokens } } }
}

const PAGE = 100

async function allOf(get: (path: string) => Promise<unknown>, what: 'orgs' | 'buckets' | 'users'): Promise<readonly unknown[]> {
  const all: unknown[] = []
  for (;;) {
    const page = listAt(await get(`/api/v2/${what}?limit=${PAGE}&offset=${all.length}`), what)
    all.push(...page)
    if (page.length < PAGE) return all
  }
}

/** All times that it knows. Each series is counted by itself: their values may be of different types, their numbers are not. */
function valuesOf(bucket: string): string {
  const range = 'range(start: 1677-09-21T00:12:44Z, stop: 2262-04-11T23:47:16Z)'
  return `from(bucketID: ${JSON.stringify(bucket)}) |> ${range} |> count() |> group(columns: ["_measurement"]) |> sum()`
}

/** Rows of CSV by the names of their columns. Each table begins with its names, after an empty line; what went wrong is such a table, too. */
export function rowsOf(csv: string): readonly ReadonlyMap<string, string>[] {
  const rows: ReadonlyMap<string, string>[] = []
  let names: readonly string[] = []
  for (const cells of linesOf(csv)) {
    if (cells.length === 1 && cells[0] === '') names = []
    else if (names.length === 0) names = cells
    else rows.push(new Map(names.map((name, column) => [name, cells[column] ?? ''])))
  }
  const error = rows.find((row) => row.has('error'))
  if (error !== undefined) throw new HayaiError('TOOL_FAILED', `InfluxDB could not count what it holds: ${error.get('error') ?? ''}`)
  return rows
}

function* linesOf(csv: string): Generator<readonly string[]> {
  let cells: string[] = []
  for (const [, quoted, plain = '', end] of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    if (end === '' && cells.length === 0 && quoted === undefined && plain === '') return
    cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'))
    if (end === ',') continue
    yield cells
    cells = []
  }
}
