// Engines whose data folder is copied at rest, on the stage: how their users fill, damage and look at them.

import { existsSync } from 'node:fs'
import { expect } from 'vitest'
import type { Project } from '../../src/index.ts'
import { sh } from './stage.ts'

export interface FolderActor {
  readonly engine: 'etcd' | 'influxdb1' | 'victoriametrics'
  readonly missing: string | undefined
  /** What the census says of what fill() puts in. */
  readonly tables: Readonly<Record<string, number>>
  fill(port: number): Promise<void>
  damage(port: number): Promise<void>
  /** All that is in it, by a stock program where there is one. */
  dump(port: number): Promise<string>
}

function missing(...programs: readonly string[]): string | undefined {
  const lacking = programs.filter((program) => !existsSync(`/usr/bin/${program}`))
  return lacking.length === 0 ? undefined : `there is no ${lacking.join(', no ')} on this machine`
}

async function post(port: number, path: string, body: string | URLSearchParams): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', body })
  const said = await answer.text()
  if (!answer.ok) throw new Error(`${path} answers ${answer.status}: ${said}`)
  return said
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n)

const etcd: FolderActor = {
  engine: 'etcd',
  missing: missing('etcd', 'etcdctl'),
  tables: { keys: 2000 },
  async fill(port) {
    for (const part of numbers(20)) {
      const success = numbers(100).map((n) => ({
        request_put: { key: base64(`/shop/${part}/${n}`), value: base64(`Wert "${n}" ☃ ${'x'.repeat(n)}`) },
      }))
      await post(port, '/v3/kv/txn', JSON.stringify({ success }))
    }
  },
  damage: async (port) => void etcdctl(port, 'del', '--prefix', '/shop/1'),
  dump: async (port) => etcdctl(port, 'get', '--prefix', '', '-w', 'fields').replaceAll(/^"(ClusterID|MemberID|RaftTerm)".*$/gm, ''),
}

function etcdctl(port: number, ...args: readonly string[]): string {
  return sh('etcdctl', ['--endpoints', `http://127.0.0.1:${port}`, ...args], { ETCDCTL_API: '3' })
}

const influxdb1: FolderActor = {
  engine: 'influxdb1',
  missing: missing('influxd', 'influx'),
  tables: { 'shop/autogen.cpu': 6000, 'shop/autogen.events': 500, 'shop/week.odd "name"': 1 },
  async fill(port) {
    influx(
      port,
      'CREATE DATABASE shop',
      'CREATE RETENTION POLICY week ON shop DURATION 0s REPLICATION 1',
      `CREATE USER reader WITH PASSWORD 'r'`,
    )
    const cpu = numbers(3000).map((n) => `cpu,host=h${n % 7} idle=${n}.5,user=${n}i ${1_600_000_000 + n}000000000`)
    const events = numbers(500).map((n) => `events text="Zeile ${n} ☃" ${1_700_000_000 + n}000000000`)
    await post(port, '/write?db=shop', [...cpu, ...events].join('\n'))
    await post(port, '/write?db=shop&rp=week', 'odd\\ "name" v=1 1600000000000000000')
  },
  damage: async (port) =>
    void influx(port, 'DROP MEASUREMENT events', "DELETE FROM cpu WHERE host = 'h3'", 'DROP USER reader', 'CREATE DATABASE wreck'),
  dump: async (port) =>
    influx(
      port,
      'SHOW DATABASES',
      'SHOW USERS',
      ...['autogen', 'week'].map((policy) => `SELECT * FROM "shop"."${policy}"./.*/ GROUP BY *`),
    ),
}

function influx(port: number, ...queries: readonly string[]): string {
  return queries.map((query) => sh('influx', ['-port', String(port), '-database', 'shop', '-format', 'json', '-execute', query])).join('')
}

const victoriametrics: FolderActor = {
  engine: 'victoriametrics',
  missing: missing('victoria-metrics'),
  tables: { cpu: 3000, temperature: 200 },
  async fill(port) {
    const cpu = numbers(3000).map((n) => `cpu{host="h${n % 7}"} ${n} ${1_600_000_000_000 + n * 60_000}`)
    const temperature = numbers(200).map((n) => `temperature{room="Küche"} ${n / 10} ${1_700_000_000_000 + n * 1000}`)
    await post(port, '/api/v1/import/prometheus', `${[...cpu, ...temperature].join('\n')}\n`)
  },
  async damage(port) {
    await post(port, '/api/v1/admin/tsdb/delete_series', new URLSearchParams({ 'match[]': '{host="h3"}' }))
    await post(port, '/api/v1/import/prometheus', 'wreck 1 1600000000000\n')
  },
  async dump(port) {
    await fetch(`http://127.0.0.1:${port}/internal/force_flush`)
    const lines = await post(port, '/api/v1/export', new URLSearchParams({ 'match[]': '{__name__!=""}' }))
    return lines.split('\n').toSorted().join('\n')
  },
}

/** InfluxDB's own backup: all values come back, users do not, and the server is never stopped. */
export async function portableJourney(
  project: Project,
  name: string,
  dump: () => Promise<string>,
  damage: () => Promise<void>,
): Promise<void> {
  const before = await dump()
  const { snapshot } = await project.snapshot({ database: name, format: 'portable' })
  expect(snapshot?.path).toMatch(/\.portable\.tar$/)
  expect(snapshot?.manifest?.census).toMatchObject({ tables: influxdb1.tables, objects: { users: 0, 'continuous queries': 0 } })
  expect(snapshot?.manifest?.notes).toEqual([expect.stringContaining('1 user here') as string])
  await damage()
  await project.restore({ reference: snapshot?.id ?? '' })
  expect(await dump()).toBe(before.replace(',"values":[["reader",false]]', ''))
  expect((await project.verify({ reference: snapshot?.id ?? '' })).checks.filter(({ ok }) => !ok)).toEqual([])
}

export const folderActors: readonly FolderActor[] = [etcd, influxdb1, victoriametrics]
