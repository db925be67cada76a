import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { text } from '../../src/base/bytes.ts'
import { freePort } from '../../src/base/ports.ts'
import { compose } from '../../src/runtimes/compose.ts'
import { composeTool } from '../../src/runtimes/compose/compose-tool.ts'
import { docker, image, labelled, noDocker } from './compose/docker.ts'
import { composeText, containerIn, fill, filled, identityOf, made, madeIn, nothing, rows, started } from './compose/ground.ts'
import { ask, engineWith, never, tiny } from './native/tiny.ts'

/** A text that holds these words, or matches. */
function saying(words: string | RegExp): string {
  return (typeof words === 'string' ? expect.stringContaining(words) : expect.stringMatching(words)) as string
}

describe.skipIf(noDocker !== undefined && process.env['CI'] === undefined)(
  `the compose runtime${noDocker === undefined ? '' : ` (${noDocker})`}`,
  () => {
    test('makes a database that starts, answers, stops and starts again with what was in it', async () => {
      const all = await made()
      expect(await all.site.status()).toBe('stopped')
      await all.site.start(never)
      expect(await all.site.status()).toBe('running')
      await fill(all, 'kept')
      await all.site.start(never)
      await all.site.stop()
      await all.site.stop()
      expect(await all.site.status()).toBe('stopped')
      await expect(all.site.open()).rejects.toMatchObject({ code: 'WRONG_STATE' })
      await all.site.start(never)
      expect(await rows(all)).toEqual(['kept'])
      expect(await text(all.site.logs({ follow: false, lines: 5 }))).toContain('ready to accept connections')
      await expect(all.site.create()).rejects.toMatchObject({ code: 'CONFLICT' })
    })

    test('writes a file that Compose alone can use, and the volume survives what Compose does', async () => {
      const all = await started({ project: 'shop' })
      await fill(all, 'kept')
      const { name, mark } = identityOf(all.root)
      expect(name).toMatch(/^shop/)
      const { words } = await composeTool()
      const bare = [...words.slice(1), '-p', name, '-f', join(all.root, 'docker-compose.yml')]
      execFileSync(String(words[0]), [...bare, 'down', '--volumes'], { stdio: 'pipe' })
      expect(await all.site.status()).toBe('stopped')
      execFileSync(String(words[0]), [...bare, 'up', '-d'], { stdio: 'pipe' })
      await all.site.start(never) // waits for it, no more
      expect(await rows(all)).toEqual(['kept'])
      expect(labelled(`org.hayai.project=${mark}`)).toEqual([`${name}-mydb-1`, `${name}_hayai`, `${name}_mydb-g0001`])
    })

    test('a second container is the twin: filled, swapped in, undone', async () => {
      const all = await started()
      await fill(all, 'old')
      const twin = await filled(all.site, 'new')
      expect(await rows(all)).toEqual(['old'])
      await twin.swap('restored from x')
      await twin.close()
      expect(await rows(all)).toEqual(['new'])
      expect(composeText(all.root)).toContain('mydb-g0002')
      await all.site.switchTo('g0001')
      expect(await rows(all)).toEqual(['old'])
      expect((await all.site.generations()).map(({ name, live }) => ({ name, live }))).toEqual([
        { name: 'g0001', live: true },
        { name: 'g0002', live: false },
      ])
      await all.site.drop('g0002')
      expect(docker('volume', 'ls', '--format', '{{.Name}}').split('\n')).not.toContain(`${identityOf(all.root).name}_mydb-g0002`)
    })

    test('a twin that is not swapped in leaves nothing', async () => {
      const all = await made()
      const { mark } = identityOf(all.root)
      const before = labelled(`org.hayai.project=${mark}`)
      const twin = await filled(all.site, 'new')
      expect(labelled(`org.hayai.project=${mark}`)).toHaveLength(before.length + 2)
      await twin.close()
      expect(labelled(`org.hayai.project=${mark}`)).toEqual(before)
      expect(readdirSync(all.placement.dataDir).toSorted()).toEqual(['g0001', 'generations.json'])
    })

    test('secrets are in no argument, and not in what Docker tells of a container', async () => {
      const all = await started()
      const password = all.placement.settings.password.reveal()
      const seen = [
        docker('inspect', containerIn(all.root)),
        composeText(all.root),
        docker('ps', '--no-trunc'),
        execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }),
      ]
      for (const each of seen) expect(each).not.toContain(password)
      expect(readFileSync(join(all.placement.runDir, 'secrets', 'password'), 'utf8')).toBe(password)
      const target = await all.site.open()
      const said = await text(
        target.run({ program: 'sh', args: ['-c', 'printf %s "$WORD"; ps -eo args'], env: { WORD: all.placement.settings.password } }),
      )
      await target.close()
      expect(said.slice(0, password.length)).toBe(password)
      expect(said.slice(password.length)).not.toContain(password)
    })

    test('honours volumes, memory, restart, port, environment and a health check', async () => {
      const all = await started({
        project: 'my-app',
        container: {
          volumes: ['postgres-data:/var/lib/postgresql/data', './backups/postgres:/backups', 'extra:/extra'],
          memory: '512m',
          restart: 'unless-stopped',
          healthcheck: { test: ['CMD-SHELL', 'test "$$(echo a)" = a'], interval: '1s' },
          environment: { TZ: 'Europe/Berlin' },
        },
        changes: { settings: { ...tinySettings(), unknown: ['TZ'] } },
      })
      const { name } = identityOf(all.root)
      const seen = JSON.parse(docker('inspect', '--format', '{{json .}}', containerIn(all.root))) as Record<string, Record<string, unknown>>
      expect(seen['HostConfig']).toMatchObject({
        Memory: 512 * 1024 * 1024,
        RestartPolicy: { Name: 'unless-stopped' },
        PortBindings: { '5432/tcp': [{ HostIp: '127.0.0.1', HostPort: String(all.placement.port) }] },
      })
      expect(JSON.stringify(seen['Config']?.['Env'])).toContain('TZ=Europe/Berlin')
      expect(docker('volume', 'ls', '--format', '{{.Name}}').split('\n')).toEqual(
        expect.arrayContaining([`${name}_postgres-data`, `${name}_extra`]),
      )
      docker('exec', containerIn(all.root), 'touch', '/backups/here')
      expect(existsSync(join(all.root, 'backups/postgres/here'))).toBe(true)
      await all.site.stop()
      expect(await all.site.status()).toBe('stopped') // whatever its restart policy
    })

    test('a compose file that people wrote is not touched', async () => {
      const all = await nothing()
      const theirs = 'services:\n  web:\n    image: nginx\n'
      await writeFile(join(all.root, 'docker-compose.yml'), theirs)
      await all.site.create()
      await all.site.start(never)
      expect(composeText(all.root)).toBe(theirs)
      expect(composeText(all.root, 'docker-compose.hayai.yml')).toContain('Written by Hayai')
      await all.site.retire()
      expect(existsSync(join(all.root, 'docker-compose.hayai.yml'))).toBe(false)
      await all.site.start(never)
    })

    test('two projects of the same name do not meet', async () => {
      const one = await started({ project: 'twins' })
      const two = await started({ project: 'twins' })
      await fill(one, 'one')
      await fill(two, 'two')
      expect(identityOf(one.root).name).toBe('twins')
      expect(identityOf(two.root).name).toMatch(/^twins-[0-9a-f]{6}$/)
      await one.site.retire()
      expect(await rows(two)).toEqual(['two'])
    })

    test('retired, its name is free, its data stays, and it comes back', async () => {
      const all = await started()
      await fill(all, 'kept')
      const container = containerIn(all.root)
      await all.site.retire()
      expect(docker('ps', '--all', '--format', '{{.Names}}').split('\n')).not.toContain(container)
      expect(existsSync(join(all.root, 'docker-compose.yml'))).toBe(false)
      await all.site.start(never)
      expect(await rows(all)).toEqual(['kept'])
    })

    test('discarded, nothing of it is left in Docker', async () => {
      const all = await made()
      const { mark, name } = identityOf(all.root)
      await all.site.retire()
      await compose.discard(all.placement.dataDir)
      expect(labelled(`org.hayai.project=${mark}`)).toEqual([`${name}_hayai`])
    })

    test('a port that was taken meanwhile is told, and by whom', async () => {
      const all = await made()
      const other = createServer().listen(all.placement.port, '127.0.0.1')
      await once(other, 'listening')
      await expect(all.site.start(never)).rejects.toMatchObject({
        code: 'CONFLICT',
        message: saying(`port ${all.placement.port} of "mydb" is taken by process ${process.pid}`),
      })
      other.close()
      await once(other, 'close')
      await all.site.start(never)
    })

    test('waits for the server after the initialisation of its image, not for the one that initialises', async () => {
      const all = await nothing({
        container: { environment: { TEST_INITIALISATION_SECONDS: '3' } },
        changes: { settings: { ...tinySettings(), unknown: ['TEST_INITIALISATION_SECONDS'] } },
      })
      const twin = await all.site.twin()
      const began = Date.now()
      await twin.wake(never)
      if (image('postgres').startsWith('hayai-test')) expect(Date.now() - began).toBeGreaterThan(3000)
      const target = await twin.target()
      if (target.endpoint === undefined) throw new Error('awake, and without an endpoint')
      expect(await ask(target.endpoint, `select current_setting('listen_addresses')`)).toEqual(['*'])
      await target.close()
      await twin.close()
    })

    test('a server that does not start is told with its last words, and leaves no container that goes on trying', async () => {
      const all = await made({ container: { restart: 'always' } })
      const broken = madeIn(all.root, all.placement.port, {
        container: { restart: 'always' },
        changes: { settings: { ...tinySettings(), server: { shared_buffers: 'much' } } },
      })
      await expect(broken.site.start(never)).rejects.toMatchObject({ code: 'TOOL_FAILED', message: saying(/shared_buffers/) })
      expect(docker('ps', '--all', '--format', '{{.Names}}').split('\n')).not.toContain(containerIn(all.root))
    })

    test('a container that is paused, or found unhealthy, is unhealthy; a start puts it right', async () => {
      const all = await started({ container: { healthcheck: { test: ['CMD-SHELL', 'test ! -e /tmp/ill'], interval: '1s', retries: 1 } } })
      await fill(all, 'kept')
      docker('pause', containerIn(all.root))
      expect(await all.site.status()).toBe('unhealthy')
      await expect(all.site.open()).rejects.toMatchObject({ code: 'WRONG_STATE' })
      docker('unpause', containerIn(all.root))
      docker('exec', containerIn(all.root), 'touch', '/tmp/ill')
      await expect.poll(() => all.site.status(), { timeout: 20_000 }).toBe('unhealthy')
      await all.site.stop()
      await all.site.start(never)
      expect(await rows(all)).toEqual(['kept'])
    })

    test('a program in the container ends when its client is killed', async () => {
      const all = await started()
      const target = await all.site.open()
      const source = target.run({ program: 'sh', args: ['-c', 'echo here; exec sleep 987'] })[Symbol.asyncIterator]()
      await source.next()
      const top = (): string => docker('top', containerIn(all.root))
      expect(top()).toContain('sleep 987')
      const client = execFileSync('pgrep', ['-f', `docker exec -i .*${containerIn(all.root)} .*sleep 987`], { encoding: 'utf8' })
        .trim()
        .split('\n')
      process.kill(Number(client[0]), 'SIGKILL')
      await expect(source.next()).rejects.toMatchObject({ code: 'TOOL_FAILED' })
      await expect.poll(top, { timeout: 10_000 }).not.toContain('sleep 987')
      await target.close()
    })

    test('an image that is not there, and cannot be fetched, is told before anything is made', async () => {
      await expect(compose.probe(tiny, '15', { image: 'hayai.invalid/nothing:1' })).rejects.toMatchObject({
        code: 'ENVIRONMENT',
        message: saying('hayai.invalid/nothing:1'),
      })
      await expect(compose.probe(engineWith({ server: 'sh' }), undefined, { image: image('postgres') })).rejects.toMatchObject({
        code: 'ENVIRONMENT',
      })
      expect((await compose.probe(tiny, undefined, { image: image('postgres') })).version).toMatch(/^15\.\d+$/)
    })

    test('data in a folder instead of a volume is refused', async () => {
      const all = await nothing({ container: { volumes: ['./data:/var/lib/postgresql/data'] } })
      await expect(all.site.create()).rejects.toMatchObject({ code: 'CONFIG_INVALID', hint: saying('mydb-data:/var/lib/postgresql/data') })
      expect(readdirSync(all.placement.dataDir)).toEqual([])
    })

    test('a volume that is gone is told', async () => {
      const all = await made()
      await all.site.retire()
      docker('volume', 'rm', `${identityOf(all.root).name}_mydb-g0001`)
      await expect(all.site.start(never)).rejects.toMatchObject({ code: 'CORRUPT', message: saying('mydb-g0001') })
    })
  },
)

describe('where Docker', () => {
  const asked = async (environment: Record<string, string>) => {
    const before = { ...process.env }
    Object.assign(process.env, environment)
    try {
      await compose.probe(tiny, '15')
      return undefined
    } catch (error) {
      return error
    } finally {
      process.env = before
    }
  }

  test('is missing, it says what to install', async () => {
    expect(await asked({ PATH: '/nowhere' })).toMatchObject({
      code: 'ENVIRONMENT',
      message: 'Docker is not on this machine',
      hint: saying('--runtime native'),
    })
  })

  test.skipIf(noDocker !== undefined)('does not answer, it says how to start it', async () => {
    expect(await asked({ DOCKER_HOST: 'unix:///nowhere/docker.sock' })).toMatchObject({
      code: 'ENVIRONMENT',
      message: saying('does not answer'),
      hint: saying('systemctl start docker'),
    })
    const away = madeIn('/tmp/nowhere', 1)
    expect(await away.site.status()).toBe('missing')
  })

  test.skipIf(noDocker !== undefined)('is closed to this account, it says so', async () => {
    const folder = await mkdtempOf()
    const program = join(folder, 'docker')
    await writeFile(
      program,
      '#!/bin/sh\necho "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock" >&2\nexit 1\n',
      { mode: 0o755 },
    )
    // As root every socket is open: so none is found, and the program is asked.
    const closed = { PATH: `${folder}:${process.env['PATH'] ?? ''}`, DOCKER_HOST: 'unix:///nowhere/docker.sock' }
    expect(await asked(closed)).toMatchObject({
      code: 'ENVIRONMENT',
      message: saying('closed to this account'),
      hint: saying('usermod'),
    })
    await rm(folder, { recursive: true })
  })
})

async function mkdtempOf(): Promise<string> {
  const folder = join(process.env['TMPDIR'] ?? '/tmp', `hayai-docker-${process.pid}-${await freePort()}`)
  await mkdir(folder)
  return folder
}

function tinySettings() {
  return madeIn('/nowhere', 1).placement.settings
}
