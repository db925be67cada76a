// An engine that Hayai knows nothing of: `.hayaidb` tells its image, its folder, its port, and how it is held still. Tried with an
// image of Redis, which is only asked by its users here.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openWith } from '../../src/core/open.ts'
import { parts } from '../../src/parts.ts'
import { composeRuntime } from '../../src/runtimes/compose.ts'
import { docker, image, noDocker } from '../runtimes/compose/docker.ts'
import { sh, stage, type Stage } from './stage.ts'
import { bundled } from '../programs.ts'

const DOOMED = bundled('test/trials/doomed-at-rest.ts')

describe('an engine that only .hayaidb knows', () => {
  if (noDocker !== undefined) return it.skip(`is tried: ${noDocker}`, () => {})

  let scene: Stage
  const containerOf = (name: string): string =>
    docker('ps', '--format', '{{.Names}} {{.Labels}}', '--filter', `name=-${name}-1$`, '--filter', `label=org.hayai.database`)
      .split('\n')
      .map((line) => line.split(' ')[0] ?? '')
      .find((each) => each.startsWith(scene.root.split('/').at(-1)?.toLowerCase() ?? '')) ?? ''
  const redis = (name: string, ...words: readonly string[]): string => docker('exec', containerOf(name), 'redis-cli', ...words)
  const files = (name: string): string =>
    docker('exec', containerOf(name), 'sh', '-c', 'cd /data && find . ! -name dump.rdb -printf "%p %u %g %m %l %n\\n" | sort')

  beforeAll(async () => {
    scene = await stage('hayai-trial-generic-')
    const entry = (quiesce: string): string =>
      `{ engine: generic, runtime: compose, image: "${image('redis')}", data: /data, port: ":6379", quiesce: ${quiesce} }`
    const text = ['databases:', `  stopped: ${entry('stop')}`, `  held: ${entry('pause')}`, `  told: ${entry('redis-cli SAVE')}`]
    await writeFile(join(scene.root, '.hayaidb'), `project: ${scene.root.split('/').at(-1)?.toLowerCase()}\n${text.join('\n')}\n`)
    await scene.project.initDeclared()
    await scene.project.start([])
    for (const name of ['stopped', 'held', 'told']) {
      redis(name, 'SET', 'greeting', 'hello')
      redis(name, 'SAVE')
      const odd =
        'mkdir sub; echo x >sub/file; ln sub/file sub/other; ln -s sub/file link; chmod 640 sub/file; chown 55:66 sub; chmod 2770 sub'
      docker('exec', '--workdir', '/data', containerOf(name), 'sh', '-ec', odd)
    }
  })
  afterAll(async () => {
    for (const { name } of await scene.project.list()) await scene.project.remove(name)
    await scene.close()
  })

  it.each(['stopped', 'held', 'told'])('%s: a tar with owners, modes and links, restored, undone, and proven aside', async (name) => {
    const before = files(name)
    if (name === 'told') redis(name, 'SET', 'late', 'only in memory until it is told to save')
    const { snapshot } = await scene.project.snapshot({ database: name })
    expect(snapshot?.path).toMatch(/\.tar\.gz$/)
    expect(snapshot?.manifest?.census).toEqual({
      tables: { data: 3 },
      objects: { bytes: expect.any(Number) as number },
      resting: true,
    })
    expect((await scene.project.list()).find((each) => each.name === name)?.status).toBe('running')
    const listed = sh('tar', ['--numeric-owner', '-tvzf', snapshot?.path ?? ''])
    expect(listed).toMatch(/^drwxrws--- 55\/66 .* \.\/sub\/$/m)
    expect(listed).toMatch(/^h.* \.\/sub\/other link to \.\/sub\/file$/m)

    redis(name, 'FLUSHALL')
    redis(name, 'SAVE')
    docker('exec', containerOf(name), 'rm', '-r', '/data/sub', '/data/link')
    await scene.project.restore({ reference: name, latest: true })
    expect(redis(name, 'GET', 'greeting')).toBe('hello')
    expect(redis(name, 'EXISTS', 'late')).toBe(name === 'told' ? '1' : '0')
    // The image gives all of its folder to its own user as it starts; nothing else of it may be another.
    expect(files(name).replaceAll(/ \w+ \w+ (?=\d)/g, ' ')).toBe(before.replaceAll(/ \w+ \w+ (?=\d)/g, ' '))
    if (name !== 'stopped') return // the rest is the same for all of them
    await scene.project.undo(name)
    expect(redis(name, 'DBSIZE')).toBe('0')
    expect((await scene.project.verify({ reference: name, latest: true })).ok).toBe(true)
  })

  it.each(['stopped', 'held'])('%s: goes on by the next command, when the one that held it was killed', async (name) => {
    const id = docker('inspect', '--format', '{{.Id}}', containerOf(name))
    const child = spawn(process.execPath, [DOOMED, scene.root, name], { stdio: ['ignore', 'ignore', 'inherit'] })
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL'])
    expect((await scene.project.list()).find((each) => each.name === name)?.status).toBe(name === 'held' ? 'unhealthy' : 'stopped')
    const { snapshot } = await scene.project.snapshot({ database: name })
    expect(snapshot?.manifest?.census.resting).toBe(true)
    expect(redis(name, 'PING')).toBe('PONG')
    if (name === 'held') expect(docker('inspect', '--format', '{{.Id}} {{.State.Paused}}', containerOf(name))).toBe(`${id} false`)
    expect(sh('find', [join(scene.root, '.hayai'), '-name', '*.partial'])).toBe('')
  })

  it('goes on when it is interrupted, and when its command fails', async () => {
    const stop = new AbortController()
    const at = (moment: string): void => void (moment === 'at rest' && stop.abort())
    const hurried = await openWith({ ...parts, runtimes: { ...parts.runtimes, compose: composeRuntime({ at }) } }, { cwd: scene.root })
    await expect(hurried.snapshot({ database: 'held' }, { signal: stop.signal })).rejects.toMatchObject({ code: 'INTERRUPTED' })
    expect(redis('held', 'PING')).toBe('PONG')
    docker('exec', '--user', '0', containerOf('told'), 'sh', '-c', 'mv $(command -v redis-cli) /tmp/aside')
    await expect(scene.project.snapshot({ database: 'told' })).rejects.toMatchObject({ code: 'TOOL_FAILED' })
    expect(docker('inspect', '--format', '{{.State.Paused}} {{.State.Running}}', containerOf('told'))).toBe('false true')
  })

  it('is restored beside itself, declared as it is, and cloned', async () => {
    await scene.project.restore({ reference: 'stopped', latest: true, to: 'beside' })
    await scene.project.clone({ from: 'held', to: 'copy' })
    expect([redis('beside', 'DBSIZE'), redis('copy', 'DBSIZE')]).toEqual([redis('stopped', 'DBSIZE'), redis('held', 'DBSIZE')])
    const ports = (await scene.project.list()).map(({ port }) => port)
    expect(new Set(ports).size).toBe(5)
  })

  it('makes an engine of the catalogue by its facts alone, with its password where neither a list of processes nor a file in git shows it', async () => {
    const instead = [
      `FROM ${image('redis')}`,
      'VOLUME /data/db',
      `ENTRYPOINT ["sh", "-c", "test -n \\"$MONGO_INITDB_ROOT_PASSWORD\\" && cd /data/db && exec redis-server --port 27017 --protected-mode no"]`,
    ]
    execFileSync('docker', ['build', '--quiet', '--tag', 'mongo:8', '-'], {
      input: instead.join('\n'),
      env: { ...process.env, DOCKER_BUILDKIT: '0' },
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    await scene.project.init({ name: 'papers', engine: 'mongodb' })
    await scene.project.start(['papers'])
    const { uri } = await scene.project.connect('papers')
    const password = /:([^:@]+)@/.exec(uri.reveal())?.[1] ?? ''
    expect(password).toHaveLength(24)
    const written = await readFile(join(scene.root, 'docker-compose.yml'), 'utf8')
    expect(written).toMatch(/image: "mongo:8"[\s\S]*MONGO_INITDB_ROOT_USERNAME: "hayai"[\s\S]*papers:\/data\/db/)
    expect(written).not.toContain(password)
    const at = (...words: readonly string[]): string => docker('exec', containerOf('papers'), 'redis-cli', '-p', '27017', ...words)
    at('SET', 'greeting', 'hello')
    await scene.project.snapshot({ database: 'papers' })
    at('DEL', 'greeting')
    await scene.project.restore({ reference: 'papers', latest: true })
    expect(at('GET', 'greeting')).toBe('hello')
    expect((await scene.project.verify({ reference: 'papers', latest: true })).ok).toBe(true)
  })

  it.each([
    ['a link', 'ln -s /etc e/l'],
    ['a link by a way up', 'mkdir e/d && ln -s ../../x e/d/l'],
    ['a name', 'echo x >e/f && tar -cPf evil.tar --transform "s,^e/f,../f," e/f && exit'],
  ])('refuses an archive in which %s leads out of the folder, and touches nothing', async (_, made) => {
    execFileSync('sh', ['-ec', `rm -rf e; mkdir e; (${made}); [ -e evil.tar ] || tar -cf evil.tar -C e .`], { cwd: scene.root })
    const evil = join(scene.root, 'evil.tar')
    const before = redis('stopped', 'DBSIZE')
    await expect(scene.project.restore({ reference: evil, to: 'stopped', engine: 'generic' })).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringContaining('outside of it') as string,
    })
    execFileSync('rm', [evil])
    expect(redis('stopped', 'DBSIZE')).toBe(before)
  })
})
