// The catalogue says what is so, and its paper says what the catalogue says.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { drain } from '../../src/base/bytes.ts'
import { Secret } from '../../src/base/secret.ts'
import { tarEnd, tarHeader } from '../../src/base/tar.ts'
import { runtimesOf } from '../../src/core/context.ts'
import { catalogue, withTable } from '../../src/engines/catalogue.ts'
import { rowsOf } from '../../src/engines/catalogue/influxdb2.ts'
import { invocation } from '../../src/engines/catalogue/portable.ts'
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
    expect(mongodb.recipe.container.hidden(settings)).toEqual({ MONGO_INITDB_ROOT_PASSWORD: 'p:w' })
    expect(mongodb.recipe.container.environment(settings, (each) => each, 'live')).toEqual({
      MONGO_INITDB_ROOT_USERNAME: 'ann',
      OTHER: '1',
    })
  })

  describe('of InfluxDB 2', () => {
    const { influxdb2 } = parts.engines
    if (influxdb2?.recipe.shape !== 'server') throw new Error('influxdb2 cannot be made')
    const { container } = influxdb2.recipe
    const TOKEN = `t${'0'.repeat(86)}==`

    it.each(['DOCKER_INFLUXDB_INIT_ADMIN_TOKEN', 'INFLUX_TOKEN'])(
      'takes its own backup where %s is declared, which nobody sees',
      (name) => {
        const settings = influxdb2.settings({ [name]: TOKEN, INFLUXD_LOG_LEVEL: 'warn' }, new Secret('made'))
        expect([settings.format, settings.password.reveal()]).toEqual(['portable', TOKEN])
        expect(influxdb2.formats.map((format) => format.name)).toContain(settings.format)
        const open = container.environment(settings, (each) => each, 'live')
        expect(open).toMatchObject({ INFLUXD_LOG_LEVEL: 'warn', DOCKER_INFLUXDB_INIT_USERNAME: 'hayai' })
        expect(JSON.stringify(open)).not.toContain(TOKEN)
        const hidden = container.hidden(settings)
        expect(Object.keys(hidden)).toEqual(['DOCKER_INFLUXDB_INIT_PASSWORD', 'DOCKER_INFLUXDB_INIT_ADMIN_TOKEN'])
        expect(hidden['DOCKER_INFLUXDB_INIT_ADMIN_TOKEN']).toBe(TOKEN)
        expect(hidden['DOCKER_INFLUXDB_INIT_PASSWORD']?.length).toBeLessThanOrEqual(72) // it takes no longer ones
        // Once it is made, a declared secret is not asked for again: the login is what was kept.
        expect(container.hidden(influxdb2.settings({ [name]: '' }, new Secret(TOKEN)))).toEqual(hidden)
      },
    )

    it('takes its folder where no token is declared, and has one that was made', () => {
      const settings = influxdb2.settings({ DOCKER_INFLUXDB_INIT_PASSWORD: 'pass-word' }, new Secret('made'))
      expect(settings.format).toBeUndefined()
      expect(container.hidden(settings)).toEqual({
        DOCKER_INFLUXDB_INIT_PASSWORD: 'pass-word',
        DOCKER_INFLUXDB_INIT_ADMIN_TOKEN: 'pass-word',
      })
    })

    it('is asked with the token in the environment alone, and all of it is replaced', () => {
      const entry = catalogue.find(({ name }) => name === 'influxdb2')?.portable
      if (entry === undefined) throw new Error('it has no backup of its own')
      const endpoint = { host: '127.0.0.1', port: 5000, user: 'hayai', password: new Secret(TOKEN), database: 'hayai' }
      const signal = new AbortController().signal
      const [outside, within] = [endpoint, { ...endpoint, port: 8086 }].map((inner) =>
        (['backup', 'restore'] as const).map((what) => invocation(entry, what, { endpoint, inner }, '/made', signal)),
      )
      expect(outside?.map(({ program, args }) => [program, ...args].join(' '))).toEqual([
        'influx backup --host http://127.0.0.1:5000 /made',
        'influx restore --full --host http://127.0.0.1:5000 /made',
      ])
      expect(within?.map(({ args }) => args.join(' '))).toEqual([
        'backup --host http://127.0.0.1:8086 /made',
        'restore --full --host http://127.0.0.1:8086 /made',
      ])
      expect(outside?.map(({ env }) => env?.['INFLUX_TOKEN']?.reveal())).toEqual([TOKEN, TOKEN])
    })

    it('answers in CSV, of which every cell is read; and what went wrong is thrown', () => {
      const csv = ',result,table,_measurement,_value\r\n,_result,0,"odd, ""name""\nand a line",6000\r\n,_result,1,cpu,3\r\n\r\n'
      expect(rowsOf(csv).map((row) => [row.get('_measurement'), row.get('_value')])).toEqual([
        ['odd, "name"\nand a line', '6000'],
        ['cpu', '3'],
      ])
      expect(rowsOf('')).toEqual([])
      expect(() => rowsOf(`${csv}error,reference\r\nfailed to read,897\r\n`)).toThrow('failed to read')
    })
  })

  it('takes no backup for whole that lacks the manifest, which is written last', async () => {
    const { influxdb1 } = parts.engines
    const portable = influxdb1?.formats.find(({ name }) => name === 'portable')
    if (influxdb1 === undefined || portable === undefined) throw new Error('InfluxDB 1 has no portable backup')
    const archive = (name: string) =>
      async function* () {
        yield Buffer.concat([tarHeader({ name, kind: 'file', size: 0, mode: 0o600, target: '' }), tarEnd()])
      }
    await expect(drain(influxdb1.check(portable, archive('20260101T000000Z.manifest')()))).resolves.toBeUndefined()
    await expect(drain(influxdb1.check(portable, archive('20260101T000000Z.meta')()))).rejects.toMatchObject({ code: 'CORRUPT' })
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
