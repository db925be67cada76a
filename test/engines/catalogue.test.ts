// The catalogue says what is so, and its paper says what the catalogue says.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { catalogue, withTable } from '../../src/engines/catalogue.ts'
import { parts } from '../../src/parts.ts'
import { hayai } from '../cli/terminal.ts'

const WANTED =
  'postgresql timescaledb mariadb mysql redis valkey sqlite duckdb lmdb leveldb influxdb2 influxdb3 influxdb1 cassandra clickhouse ' +
  'mongodb couchdb neo4j opensearch meilisearch typesense qdrant weaviate chroma milvus arangodb questdb victoriametrics etcd nats'

describe('the catalogue', () => {
  it('knows the engines of today, each once', () => {
    const names = catalogue.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(WANTED.split(' ')))
    expect(new Set(names).size).toBe(names.length)
  })

  it('has every engine that runs, under the title and the port that it has itself', () => {
    for (const engine of Object.values(parts.engines)) {
      const entry = catalogue.find(({ name }) => name === engine.name)
      expect(entry?.title).toBe(engine.title)
      expect(entry?.port).toBe(engine.recipe.shape === 'server' ? engine.recipe.port : null)
    }
  })

  it('says of none that it is proven which does not run', () => {
    const boasting = catalogue.filter(({ name, proven }) => proven !== 'not tried' && parts.engines[name] === undefined)
    expect(boasting).toEqual([])
  })

  it('is whole: a server has an image, a port, an absolute data folder and a health check; a file has none of them', () => {
    for (const { name, image, port, data, health, quiesce, command } of catalogue) {
      expect([image === null, port === null, data === null, health === null], name).toEqual(Array(4).fill(image === null))
      if (data !== null) expect(data, name).toMatch(/^(\/[a-z0-9][\w.-]*)+$/)
      if (quiesce === 'command') expect(command, name).not.toBe('')
    }
  })

  it('is the table of docs/ENGINES.md: `node scripts/write-engines.ts` writes it', () => {
    const committed = readFileSync(join(import.meta.dirname, '../../docs/ENGINES.md'), 'utf8')
    expect(withTable(committed, Object.keys(parts.engines))).toBe(committed)
  })

  it('is what `hayai engines` prints, where there is no project too', async () => {
    const { status, stdout } = await hayai(['engines', '--json'], { cwd: '/' })
    expect(status).toBe(0)
    const { data } = JSON.parse(stdout) as { data: { name: string; runs: boolean; proven: string }[] }
    expect(data.map(({ name }) => name)).toEqual(catalogue.map(({ name }) => name))
    expect(data.find(({ name }) => name === 'postgresql')).toMatchObject({ runs: true, proven: 'proven', formats: ['sql', 'tar'] })
    expect(data.find(({ name }) => name === 'mongodb')).toMatchObject({ runs: false, proven: 'not tried', data: '/data/db' })
    expect((await hayai(['engines'])).stdout).toMatch(/^postgresql +relational +yes +proven +while it runs: pg_dump/m)
  })
})
