// A journey with the older docker-compose (1.29); its project goes on with the plugin (v2), and back: nothing that runs is made anew, and
// no data is lost. By commands as people type them, for a process looks for Compose once.

import { execFileSync } from 'node:child_process'
import { mkdir, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findOnPath } from '../../src/base/exec.ts'
import { hayai, type Outcome } from '../cli/terminal.ts'
import { docker, labelled, noDocker } from '../runtimes/compose/docker.ts'
import { postgresql } from './cast.ts'
import { containersOf, stage, type Stage } from './stage.ts'

function missing(): string | undefined {
  if (noDocker !== undefined) return noDocker
  try {
    execFileSync('docker', ['compose', 'version'], { stdio: 'ignore' })
    const older = execFileSync('docker-compose', ['version', '--short'], { encoding: 'utf8' })
    return older.startsWith('1.') ? undefined : `docker-compose is ${older.trim()}`
  } catch (error) {
    return `there are not both of them: ${String(error)}`
  }
}

describe('the older docker-compose', { timeout: 240_000 }, () => {
  const reason = missing()
  if (reason !== undefined) return it.skip(`is tried: ${reason}`, () => {})

  let scene: Stage
  let older: Readonly<Record<string, string>> = {}
  let plugin: Readonly<Record<string, string>> = {}
  const type = async (line: string, env: Readonly<Record<string, string>>): Promise<Outcome> => {
    const outcome = await hayai(line.split(' '), { cwd: scene.root, env })
    expect({ line, ...outcome }).toMatchObject({ line, status: 0 })
    return outcome
  }
  const file = (): Promise<string> => readFile(join(scene.root, 'docker-compose.yml'), 'utf8')
  const id = (): string => docker('inspect', '--format', '{{.Id}}', ...containersOf(scene.root))
  const maker = (): string =>
    docker('inspect', '--format', '{{index .Config.Labels "com.docker.compose.version"}}', ...containersOf(scene.root))
  const rows = (): Promise<string> => postgresql.run(scene.project, 'shop', 'SELECT string_agg(v, $$ $$ ORDER BY v) FROM t')
  const things = (): readonly string[] => labelled(`com.docker.compose.project=${/"name":"([^"]+)/.exec(identity)?.[1]}`)
  let identity = ''

  beforeAll(async () => {
    scene = await stage()
    const bare = join(scene.root, '.bare')
    await mkdir(bare)
    await symlink((await findOnPath('docker')) ?? '', join(bare, 'docker'))
    const DOCKER_HOST = process.env['DOCKER_HOST'] ?? ''
    older = { DOCKER_HOST, DOCKER_CONFIG: join(scene.root, '.nothing') }
    plugin = { DOCKER_HOST, DOCKER_CONFIG: process.env['DOCKER_CONFIG'] ?? '' }
  })
  afterAll(() => scene.close())

  it('is not wanted where there is the plugin; where there is none of both it is told what to install', async () => {
    const outcome = await hayai(['init', '-n', 'shop', '-e', 'postgresql', '--runtime', 'compose', '--version', '15', '-y'], {
      cwd: scene.root,
      env: { ...older, PATH: join(scene.root, '.bare') },
    })
    expect(outcome).toMatchObject({ status: 6, stderr: expect.stringContaining('Docker Compose is not') as string })
    expect(outcome.stderr).toContain('docker-compose-plugin')
    expect(await scene.project.list()).toEqual([])
  })

  it('makes, starts, and restores', async () => {
    await type('init -n shop -e postgresql --runtime compose --version 15 -y', older)
    await type('start', older)
    identity = await readFile(join(scene.root, '.hayai/compose/project.json'), 'utf8')
    expect(await file()).toMatch(/^# It can be used without Hayai, too: docker-compose -p \S+ up -d$/m)
    expect(await file()).not.toMatch(/^name:/m)
    expect(maker()).toMatch(/^1\./)
    await postgresql.run(scene.project, 'shop', `CREATE TABLE t (v text); INSERT INTO t VALUES ('one')`)
    await type('snapshot shop', older)
    await postgresql.run(scene.project, 'shop', `INSERT INTO t VALUES ('two')`)
    await type('restore shop@latest -y', older)
    expect(await rows()).toBe('one')
    await type('undo -y', older)
    expect(await rows()).toBe('one two')
  })

  it('has made what the plugin goes on with, and goes on with what that made', async () => {
    const [before, there] = [id(), things()]
    await type('start', plugin)
    expect(id()).toBe(before)
    await type('redo -y', plugin)
    expect(await rows()).toBe('one')
    expect(await file()).toMatch(/^name:/m)
    expect(maker()).toMatch(/^2\./)
    await type('stop', plugin)
    await type('start', older)
    expect(await rows()).toBe('one')
    await type('undo -y', older)
    expect(await rows()).toBe('one two')
    expect(things()).toEqual(there)
  })
})
