// The catalogue says what is so, and its paper says what the catalogue says.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { runtimesOf } from '../../src/core/context.ts'
import { catalogue, withTable } from '../../src/engines/catalogue.ts'
import { imageName } from '../../src/runtimes/compose/image.ts'
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
      expect(entry?.port ?? 0).toBe(engine.recipe.shape === 'server' ? engine.recipe.port : 0)
    }
  })

  it('says of none that it is proven which does not run', () => {
    const boasting = catalogue.filter(({ name, proven }) => proven !== 'not tried' && parts.engines[name] === undefined)
    expect(boasting).toEqual([])
  })

  it('is whole: a server has an image, a port, an absolute data folder and a health check; a file has none of them', () => {
    for (const { name, image, port, data, health, quiesce, command } of catalogue) {
      if (name !== 'generic') expect([port === null, data === null, health === null], name).toEqual(Array(3).fill(image === null))
      if (data !== null) expect(data, name).toMatch(/^(\/[a-z0-9][\w.-]*)+$/)
      if (quiesce === 'command') expect(command, name).not.toBe('')
    }
  })

  it('has a place in a container for every server, and its secrets are in no variable that others read', () => {
    for (const { name, image, data, port, environment } of catalogue) {
      const engine = parts.engines[name]
      if (image === null) continue
      if (engine?.recipe.shape !== 'server') throw new Error(`${name} cannot be made`)
      const { container } = engine.recipe
      expect([container.image, container.dataDir, engine.recipe.port], name).toEqual([image, data, port])
      if (container.tag !== undefined)
        expect(imageName(engine.recipe, engine.recipe.majorOf(container.tag), undefined), name).toBe(`${image}:${container.tag}`)
      const settings = engine.settings({}, new Secret('s3cret'))
      expect(JSON.stringify(container.environment(settings, (each) => each, 'live')), name).not.toContain('s3cret')
      expect(container.healthcheck(settings, false, engine.recipe.port).join(' '), name).not.toContain('s3cret')
      if (!('endsByItself' in container)) continue
      const told = { ...container.environment(settings, (each) => each, 'live'), ...container.hidden(settings) }
      expect(Object.keys(told).toSorted(), name).toEqual(Object.keys(environment).toSorted())
      expect(JSON.stringify(told), name).not.toMatch(/\{\w+\}/)
      const uri = engine.uri({ host: '127.0.0.1', port: 5000, ...settings }, '')
      expect(uri, name).toMatch(/^\w+:\/\/[^{}]*127\.0\.0\.1:5000[^{}]*$/)
    }
  })

  it('gives a declared login to the image as it is, and knows it', () => {
    const { mongodb } = parts.engines
    if (mongodb?.recipe.shape !== 'server') throw new Error('mongodb cannot be made')
    const settings = mongodb.settings(
      { MONGO_INITDB_ROOT_USERNAME: 'ann', MONGO_INITDB_ROOT_PASSWORD: 'p:w', OTHER: '1' },
      new Secret('made'),
    )
    expect(mongodb.uri({ host: '127.0.0.1', port: 5000, ...settings }, '')).toBe('mongodb://ann:p%3Aw@127.0.0.1:5000/')
    expect(mongodb.recipe.container.hidden(settings)).toEqual({})
    expect(mongodb.recipe.container.environment(settings, (each) => each, 'live')).toEqual({
      MONGO_INITDB_ROOT_USERNAME: 'ann',
      MONGO_INITDB_ROOT_PASSWORD: 'p:w',
      OTHER: '1',
    })
  })

  it('is the table of docs/ENGINES.md: `node scripts/write-engines.ts` writes it', () => {
    const committed = readFileSync(join(import.meta.dirname, '../../docs/ENGINES.md'), 'utf8')
    const able = Object.fromEntries(Object.values(parts.engines).map((engine) => [engine.name, runtimesOf(parts, engine)]))
    expect(withTable(committed, able)).toBe(committed)
  })

  it('is what `hayai engines` prints, where there is no project too', async () => {
    const { status, stdout } = await hayai(['engines', '--json'], { cwd: '/' })
    expect(status).toBe(0)
    const { data } = JSON.parse(stdout) as { data: { name: string; runs: boolean; runtimes: string[]; proven: string }[] }
    expect(data.map(({ name }) => name)).toEqual(catalogue.map(({ name }) => name))
    expect(data.find(({ name }) => name === 'postgresql')).toMatchObject({ runs: true, proven: 'proven', formats: ['sql', 'tar'] })
    expect(data.find(({ name }) => name === 'mongodb')).toMatchObject({
      runs: true,
      runtimes: ['compose'],
      proven: 'generic',
      data: '/data/db',
    })
    expect((await hayai(['engines'])).stdout).toMatch(/^postgresql +relational +native, compose +proven +while it runs: pg_dump/m)
  })
})
