// A password that its image takes by a variable alone: nobody sees it who asks Docker, and the server has it as it was declared, whatever is
// in it. Tried with PostgreSQL as TimescaleDB's image is told it.

import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { composeTool } from '../../src/runtimes/compose/compose-tool.ts'
import { hide } from '../../src/runtimes/compose/hidden.ts'
import { docker, image, noDocker } from '../runtimes/compose/docker.ts'
import { pg } from './cast.ts'
import { containersOf, sh, stage, type Stage } from './stage.ts'

const PASSWORD = String.raw`it's "$HOME" #1 \n $$ %s \\ é`

describe('a variable that is secret', { timeout: 120_000 }, () => {
  if (noDocker !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${noDocker}`, () => {})

  let scene: Stage
  const container = (): string => containersOf(scene.root)[0] ?? ''
  const psql = async (statement: string): Promise<string> => {
    const { port, password } = await scene.project.connect('metrics')
    expect(password?.reveal()).toBe(PASSWORD)
    const login = ['-X', '-h', '127.0.0.1', '-p', String(port), '-U', 'ann', '-d', 'hayai', '-Atqc', statement]
    return sh(pg('psql'), login, { PGPASSWORD: PASSWORD }).trim()
  }
  beforeAll(async () => {
    scene = await stage('hayai-trial-hidden-')
    const environment = `{ POSTGRES_USER: ann, POSTGRES_PASSWORD: ${JSON.stringify(PASSWORD)} }`
    await writeFile(
      join(scene.root, '.hayaidb'),
      `databases:\n  metrics: { engine: timescaledb, runtime: compose, image: "${image('postgres')}", environment: ${environment} }\n`,
    )
    await scene.project.initDeclared()
    await scene.project.start([])
  })
  afterAll(() => scene.close())

  it('is in the server, and in nothing that Docker shows or that people read', async () => {
    expect(await psql('CREATE TABLE t AS SELECT 1 AS i; SELECT i FROM t')).toBe('1')
    const file = await readFile(join(scene.root, 'docker-compose.yml'), 'utf8')
    const shown = [docker('inspect', container()), docker('exec', container(), 'ps', '-eo', 'args'), file].join('\n')
    expect(shown).toContain('POSTGRES_USER')
    expect(shown).not.toContain('POSTGRES_PASSWORD')
    expect(shown).not.toMatch(/it's|HOME/)
    expect(docker('exec', container(), 'cat', '/proc/1/comm')).toBe('postgres')
  })

  it('comes along with a snapshot, a trial and a restore, and is there for those who use the file alone', async () => {
    await scene.project.snapshot({ database: 'metrics' })
    expect(await scene.project.verify({ reference: 'metrics', latest: true })).toMatchObject({ ok: true })
    await psql('DROP TABLE t')
    await scene.project.restore({ reference: 'metrics', latest: true })
    expect(await psql('SELECT i FROM t')).toBe('1')
    const { words } = await composeTool()
    const { name } = JSON.parse(await readFile(join(scene.root, '.hayai/compose/project.json'), 'utf8')) as { name: string }
    for (const verb of [['down'], ['up', '-d']]) {
      execFileSync(String(words[0]), [...words.slice(1), '-p', name, ...verb], { cwd: scene.root, stdio: 'pipe' })
    }
    await scene.project.start([])
    expect(await psql('SELECT i FROM t')).toBe('1')
  })

  it('is shown where no shell of root can read it, and then must be plain', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hayai-hidden-'))
    const bare = `hayai-test-bare:${process.pid}`
    try {
      docker('build', '--quiet', '--tag', bare, '--file', await written(join(folder, 'Dockerfile')), folder)
      for (const each of [image('etcd'), bare]) {
        const told = await hide(each, [], { KEY: 'a+b=/c' }, folder)
        expect(told).toEqual({ entrypoint: undefined, args: [], secrets: {}, shown: join(folder, 'secrets/environment') })
        expect(await readFile(String(told.shown), 'utf8')).toBe('KEY=a+b=/c\n')
        await expect(hide(each, [], { KEY: 'a b' }, folder)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
      }
    } finally {
      docker('image', 'rm', '--force', bare)
      await rm(folder, { recursive: true })
    }
  })

  async function written(file: string): Promise<string> {
    await writeFile(file, `FROM ${image('redis')}\nUSER redis\n`)
    return file
  }
})
