import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { text } from '../../src/base/bytes.ts'
import { freePort } from '../../src/base/ports.ts'
import { end, identify } from '../../src/base/processes.ts'
import { Secret } from '../../src/base/secret.ts'
import type { Engine } from '../../src/engines/engine.ts'
import { native, nativeRuntime } from '../../src/runtimes/native.ts'
import type { Placement, Site, Twin } from '../../src/runtimes/runtime.ts'
import {
  ask,
  cleanUp,
  commandOf,
  endpointOf,
  engineWith,
  leftovers,
  never,
  place,
  postmaster,
  processesIn,
  recipe,
  rootOf,
  tiny,
} from './native/tiny.ts'

interface Made {
  readonly placement: Placement
  readonly site: Site
}

async function made(changes: Partial<Placement> = {}, engine: Engine = tiny, runtime = native): Promise<Made> {
  const placement = await place(changes)
  const site = runtime.site(placement, engine)
  onTestFinished(() => cleanUp(placement, site))
  await site.create()
  return { placement, site }
}

async function started(changes: Partial<Placement> = {}): Promise<Made> {
  const both = await made(changes)
  await both.site.start(never)
  return both
}

/** A twin that holds one table with one row. */
async function filled(site: Site, row: string): Promise<Twin> {
  const twin = await site.twin()
  await twin.wake(never)
  const target = await twin.target()
  if (target.endpoint === undefined) throw new Error('awake, and without an endpoint')
  await ask(target.endpoint, `create table t as select '${row}' as v`)
  await target.close()
  return twin
}

async function fill({ placement }: Made, row: string): Promise<void> {
  await ask(endpointOf(placement), `create table t as select '${row}' as v`)
}

function rows({ placement }: Made): Promise<readonly unknown[]> {
  return ask(endpointOf(placement), 'select v from t')
}

/** A text that holds these words, or matches. */
function saying(words: string | RegExp): string {
  return (typeof words === 'string' ? expect.stringContaining(words) : expect.stringMatching(words)) as string
}

describe('probe', () => {
  test('tells the exact version, of the one asked for or of the newest', async () => {
    expect((await native.probe(tiny, undefined)).version).toMatch(/^15\.\d+$/)
    expect((await native.probe(tiny, '15')).version).toMatch(/^15\.\d+$/)
  })

  test('says what to install when the version is not there, and what is', async () => {
    await expect(native.probe(tiny, '9')).rejects.toMatchObject({ code: 'ENVIRONMENT', hint: 'apt install postgresql-9' })
    await expect(native.probe(tiny, '1')).rejects.toMatchObject({ code: 'ENVIRONMENT' }) // 15 does not fit 1
  })

  test('takes no installation that lacks a tool, and names the tool', async () => {
    const engine = engineWith({ tools: ['initdb', 'pg_frobnicate'] })
    await expect(native.probe(engine, '15')).rejects.toThrow(/has postgres but not pg_frobnicate/)
  })

  test('prefers the newest, whatever the order of the folders, and tells of a server that does not run', async () => {
    const placement = await place()
    const root = rootOf(placement)
    onTestFinished(() => rm(root, { recursive: true, force: true }))
    for (const [major, body] of [
      ['9', 'echo 9.6'],
      ['10', 'echo 10.2'],
      ['11', 'exit 3'],
    ] as const) {
      await mkdir(join(root, `v${major}-x`, 'bin'), { recursive: true })
      for (const name of ['hayai-server', 'tool']) {
        await writeFile(join(root, `v${major}-x`, 'bin', name), `#!/bin/sh\n${body}\n`)
        await chmod(join(root, `v${major}-x`, 'bin', name), 0o755)
      }
    }
    const engine = engineWith({ server: 'hayai-server', tools: ['tool'], folders: [join(root, 'v{major}-x', 'bin')] })
    expect(await native.probe(engine, undefined)).toEqual({ version: '10.2' })
    expect(await native.probe(engine, '9')).toEqual({ version: '9.6' })
    expect(await native.probe(engine, '9.6')).toEqual({ version: '9.6' })
    await expect(native.probe(engine, '11')).rejects.toThrow(/v11-x\/bin\/hayai-server does not tell its version: .*exit 3/)
  })
})

describe('a database of its own', () => {
  test('is made, started, asked, stopped, under folders that its account cannot enter', async () => {
    const placement = await place()
    const site = native.site(placement, tiny)
    onTestFinished(() => cleanUp(placement, site))
    expect((await stat(rootOf(placement))).mode & 0o777).toBe(0o700)
    expect(await site.status()).toBe('missing')
    await expect(site.start(never)).rejects.toMatchObject({ code: 'WRONG_STATE' })
    await site.create()
    expect(await site.status()).toBe('stopped')
    await expect(site.open()).rejects.toMatchObject({ code: 'WRONG_STATE', message: '"mydb" must be running', hint: 'hayai start mydb' })

    await site.start(never)
    expect(await site.status()).toBe('running')
    const pid = postmaster(placement)
    await site.start(never)
    expect(postmaster(placement)).toBe(pid)
    const target = await site.open()
    expect(await text(target.run({ program: 'psql', args: ['--version'] }))).toMatch(/15/)
    expect(await readdir(target.scratch)).toEqual([])
    expect(target.scratch.startsWith(placement.dataDir)).toBe(true)
    await target.close()

    await site.stop()
    expect(await site.status()).toBe('stopped')
    await site.stop()
    expect(identify(pid)).toBeUndefined()
    expect(await leftovers(placement, site)).toEqual([])
    expect((await site.generations()).map(({ name, origin, live, retired }) => ({ name, origin, live, retired }))).toEqual([
      { name: 'g0001', origin: 'created', live: true, retired: undefined },
    ])
  })

  test.runIf(process.getuid?.() === 0)('runs as the unprivileged account, in folders and files that are closed to others', async () => {
    const { placement } = await started()
    const { uid } = await stat(join(placement.dataDir, 'g0001', 'server'))
    expect(uid).not.toBe(0)
    expect((await stat(`/proc/${postmaster(placement)}`)).uid).toBe(uid)
    expect(commandOf(postmaster(placement))).not.toContain('right horse')
    const closed = [placement.dataDir, join(placement.dataDir, 'g0001'), join(placement.dataDir, 'g0001', 'server'), placement.runDir]
    for (const folder of closed) expect((await stat(folder)).mode & 0o777, folder).toBe(0o700)
    expect((await stat(placement.logFile)).mode & 0o777).toBe(0o600)
    expect((await stat(join(placement.runDir, 'server.json'))).uid).toBe(0)
  })

  test.runIf(process.getuid?.() === 0)('stays with the account that owns its data, when another is asked for later', async () => {
    process.env['HAYAI_SERVER_USER'] = 'nobody'
    onTestFinished(() => void delete process.env['HAYAI_SERVER_USER'])
    const both = await made()
    delete process.env['HAYAI_SERVER_USER']
    await both.site.start(never)
    expect((await stat(`/proc/${postmaster(both.placement)}`)).uid).toBe(65534)
    process.env['HAYAI_SERVER_USER'] = 'nobody-of-that-name'
    await expect(native.probe(tiny, undefined)).rejects.toMatchObject({
      code: 'ENVIRONMENT',
      hint: saying('HAYAI_SERVER_USER'),
    })
    process.env['HAYAI_SERVER_USER'] = 'root'
    await expect(native.probe(tiny, undefined)).rejects.toMatchObject({ code: 'ENVIRONMENT' })
  })

  test('refuses another password', async () => {
    const { placement } = await started()
    const wrong = { ...endpointOf(placement), password: new Secret('wrong') }
    await expect(ask(wrong, 'select 1')).rejects.toThrow(/password authentication failed/)
  })

  test('is not made twice, nor over data that no ledger tells of', async () => {
    const { placement, site } = await made()
    await expect(site.create()).rejects.toMatchObject({ code: 'CONFLICT' })
    await rm(join(placement.dataDir, 'generations.json'))
    await expect(site.create()).rejects.toMatchObject({ code: 'CONFLICT', message: saying('g0001') })
    await site.recover()
    expect(await readdir(join(placement.dataDir, 'g0001', 'server'))).toContain('PG_VERSION')
  })

  test('leaves nothing when its making fails', async () => {
    const placement = await place()
    const site = native.site(placement, engineWith({ create: (at) => [...recipe.create(at), { program: 'initdb', args: ['--nonsense'] }] }))
    onTestFinished(() => cleanUp(placement, site))
    await expect(site.create()).rejects.toMatchObject({ code: 'TOOL_FAILED', message: saying('nonsense') })
    expect(await readdir(placement.dataDir)).toEqual([])
    expect(await site.status()).toBe('missing')
  })

  test('is served by the major version that made it, or not at all', async () => {
    const { placement, site } = await made()
    const ledger = join(placement.dataDir, 'generations.json')
    const content = await readFile(ledger, 'utf8')
    await writeFile(ledger, content.replace(/"version": "15\.\d+"/, '"version": "14.3"'))
    await expect(site.start(never)).rejects.toMatchObject({
      code: 'ENVIRONMENT',
      message: saying(/the data of "mydb" was made by PostgreSQL 14\.3: PostgreSQL 14 is not on this machine/),
      hint: 'apt install postgresql-14',
    })
    await writeFile(ledger, content)
    const asksForMore = native.site({ ...placement, version: '16' }, tiny)
    await asksForMore.start(never)
    expect(await asksForMore.status()).toBe('running')
    await expect(asksForMore.twin()).rejects.toMatchObject({ code: 'ENVIRONMENT', hint: 'apt install postgresql-16' })
  })

  test('whose data folder is gone says so', async () => {
    const { placement, site } = await made()
    await rm(join(placement.dataDir, 'g0001'), { recursive: true })
    expect(await site.status()).toBe('missing')
    await expect(site.start(never)).rejects.toMatchObject({ code: 'CORRUPT' })
  })
})

describe('a start that fails', () => {
  test('because the port is taken names the port and who has it', async () => {
    const { placement, site } = await made()
    const other = createServer().listen(placement.port, '127.0.0.1')
    await once(other, 'listening')
    onTestFinished(() => void other.close())
    await expect(site.start(never)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: saying(`port ${placement.port} of "mydb" is taken by process ${process.pid} (`),
      details: { port: placement.port, pid: process.pid },
    })
    expect(await site.status()).toBe('stopped')
  })

  test('because of a bad setting shows the last words of the log, at once, and leaves no process', async () => {
    const both = await made()
    const { placement } = both
    const bad = native.site({ ...placement, settings: { ...placement.settings, server: { shared_buffers: 'lots' } } }, tiny)
    const before = Date.now()
    await expect(bad.start(never)).rejects.toMatchObject({
      code: 'TOOL_FAILED',
      message: saying(/the server of "mydb" ended at its start: .*invalid value for parameter "shared_buffers": "lots"/),
    })
    expect(Date.now() - before).toBeLessThan(30_000) // half of what it would wait for one that says nothing
    expect(await bad.status()).toBe('stopped')
    expect(await leftovers(placement, both.site)).toEqual([])
    await both.site.start(never)
  })

  test('because it never answers ends it again', async () => {
    const { placement } = await made()
    const deaf = engineWith({ answers: () => new Promise(() => {}) })
    const site = nativeRuntime({ patience: { start: 1000 } }).site(placement, deaf)
    await expect(site.start(never)).rejects.toMatchObject({
      code: 'TOOL_FAILED',
      message: saying('does not answer after 1 s'),
    })
    expect(processesIn(placement.dataDir)).toEqual([])
  })

  test('because it was interrupted ends it again', async () => {
    const { placement } = await made()
    const deaf = native.site(placement, engineWith({ answers: () => new Promise(() => {}) }))
    const interruption = new AbortController()
    const start = deaf.start(interruption.signal)
    setTimeout(() => interruption.abort(new Error('Ctrl-C')), 300)
    await expect(start).rejects.toThrow('Ctrl-C')
    expect(processesIn(placement.dataDir)).toEqual([])
    expect(await deaf.status()).toBe('stopped')
  })

  test('because another server has the folder is refused by the server itself', async () => {
    const { placement, site } = await started()
    const record = join(placement.runDir, 'server.json')
    const content = await readFile(record)
    await rm(record)
    expect(await site.status()).toBe('stopped')
    await expect(site.start(never)).rejects.toMatchObject({ code: 'CONFLICT', message: saying('(postgres)') })
    const elsewhere = native.site({ ...placement, port: await freePort() }, tiny)
    await expect(elsewhere.start(never)).rejects.toMatchObject({ code: 'TOOL_FAILED', message: saying('postmaster.pid') })
    await writeFile(record, content)
    expect(await site.status()).toBe('running')
    expect(await ask(endpointOf(placement), 'select 1')).toEqual([1])
  })
})

describe('a server', () => {
  test('that was killed is stopped, and starts again with all its data', async () => {
    const both = await started()
    await fill(both, 'kept')
    for (let round = 0; round < 3; round += 1) {
      const pid = identify(postmaster(both.placement))
      if (pid === undefined) throw new Error('it does not run')
      await end(pid, 'SIGKILL', 5000)
      expect(await both.site.status()).toBe('stopped')
      await both.site.start(never)
      expect(await rows(both)).toEqual(['kept'])
    }
  })

  test('that is stuck is unhealthy; a stop insists, and the log says so', async () => {
    const { placement } = await started()
    const site = nativeRuntime({ patience: { stop: 500, insist: 500 } }).site(
      placement,
      engineWith({ answers: () => Promise.reject(new Error('deaf')) }),
    )
    process.kill(postmaster(placement), 'SIGSTOP')
    await expect(site.open()).rejects.toMatchObject({ code: 'WRONG_STATE', message: saying('does not answer: deaf') })
    await site.stop()
    expect(await site.status()).toBe('stopped')
    expect(await readFile(placement.logFile, 'utf8')).toMatch(
      /did not end after SIGINT: sending SIGQUIT\n.*did not end after SIGQUIT: sending SIGKILL/,
    )
    const healthy = native.site(placement, tiny)
    await healthy.start(never)
  })

  test('whose port nobody listens on is unhealthy', async () => {
    const { placement, site } = await started()
    const record = join(placement.runDir, 'server.json')
    const content = await readFile(record, 'utf8')
    await writeFile(record, content.replace(/"port":\d+/, `"port":${await freePort()}`))
    expect(await site.status()).toBe('unhealthy')
    await writeFile(record, content)
  })

  test('is told from another process that has got its number', async () => {
    const { placement, site } = await started()
    const record = join(placement.runDir, 'server.json')
    const content = await readFile(record, 'utf8')
    const pid = postmaster(placement)
    await writeFile(record, content.replace(/"started":"[^"]+"/, '"started":"long ago"'))
    expect(await site.status()).toBe('stopped')
    await site.stop()
    expect(identify(pid)).toBeDefined()
    await writeFile(record, content)
  })

  test('is not confused by a damaged record', async () => {
    const { placement, site } = await made()
    await mkdir(placement.runDir, { recursive: true })
    await writeFile(join(placement.runDir, 'server.json'), '{"process":')
    await expect(site.status()).rejects.toMatchObject({ code: 'CORRUPT' })
    await rm(join(placement.runDir, 'server.json'))
  })
})

describe('a twin', () => {
  test('is filled beside the live database, and swapped in; undo and redo walk between them', async () => {
    const both = await started()
    const { placement, site } = both
    await fill(both, 'first')
    const twin = await filled(site, 'second')
    expect(await rows(both)).toEqual(['first'])
    const generation = await twin.swap('restored from x')
    await twin.close()
    expect(generation).toMatchObject({ name: 'g0002', origin: 'restored from x', live: true, retired: undefined })
    expect(await site.status()).toBe('running')
    expect(await rows(both)).toEqual(['second'])
    expect(await ask(endpointOf(placement), 'show fsync')).toEqual(['on'])
    expect(await leftovers(placement, site)).toEqual([])

    expect((await site.neighbour(-1))?.name).toBe('g0001')
    expect(await site.neighbour(1)).toBeUndefined()
    await site.switchTo('g0001')
    expect(await rows(both)).toEqual(['first'])
    expect((await site.neighbour(1))?.name).toBe('g0002')
    await site.switchTo('g0002')
    expect(await rows(both)).toEqual(['second'])
    await site.stop()
    await site.switchTo('g0001')
    expect(await site.status()).toBe('stopped')
    await site.drop('g0002')
    expect(await readdir(placement.dataDir)).toEqual(['g0001', 'generations.json'])
    await expect(site.drop('g0001')).rejects.toMatchObject({ code: 'WRONG_STATE' })
    await expect(site.switchTo('g0002')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('that is closed is gone, process and folder', async () => {
    const { placement, site } = await made()
    const twin = await filled(site, 'x')
    const target = await twin.target()
    expect(processesIn(placement.dataDir).length).toBeGreaterThan(0)
    expect(target.endpoint?.port ?? 0).not.toBe(placement.port)
    await target.close()
    await twin.close()
    await twin.close()
    expect(processesIn(placement.dataDir)).toEqual([])
    expect(await leftovers(placement, site)).toEqual([])
    expect(await site.status()).toBe('stopped')
  })

  test('can be filled asleep: the files laid down are what it serves', async () => {
    const both = await started()
    await fill(both, 'copied')
    await both.site.stop()
    const twin = await both.site.twin()
    const asleep = await twin.target()
    expect(asleep.endpoint).toBeUndefined()
    execFileSync('cp', ['-r', `${join(both.placement.dataDir, 'g0001', 'server')}/.`, asleep.path]) // as root: the owners are wrong
    await asleep.close()
    await twin.wake(never)
    const awake = await twin.target()
    if (awake.endpoint === undefined) throw new Error('awake, and without an endpoint')
    expect(await ask(awake.endpoint, 'select v from t')).toEqual(['copied'])
    await awake.close()
    await twin.swap('copied')
    await twin.close()
    await both.site.start(never)
    expect(await rows(both)).toEqual(['copied'])
  })

  test('whose server died is not swapped in', async () => {
    const both = await started()
    await fill(both, 'first')
    const twin = await filled(both.site, 'second')
    const [pid] = processesIn(join(both.placement.dataDir, twin.name)).filter((each) => commandOf(each).includes('fsync=off'))
    const server = pid === undefined ? undefined : identify(pid)
    if (server === undefined) throw new Error('the twin has no server')
    await end(server, 'SIGKILL', 5000)
    await expect(twin.swap('x')).rejects.toMatchObject({ code: 'TOOL_FAILED', message: saying('had ended by itself') })
    await twin.close()
    expect(await rows(both)).toEqual(['first'])
    expect(await leftovers(both.placement, both.site)).toEqual([])
  })

  test('that does not start as the live one is taken back: the one before runs again', async () => {
    const both = await started()
    const { placement } = both
    await fill(both, 'first')
    const ledger = await readFile(join(placement.dataDir, 'generations.json'), 'utf8')
    for (const failures of [1, 2]) {
      let left = failures
      const moody = native.site(
        placement,
        engineWith({
          serve: (at, purpose) =>
            purpose === 'live' && left-- > 0 ? { program: 'postgres', args: ['--nonsense'] } : recipe.serve(at, purpose),
        }),
      )
      const twin = await filled(moody, 'second')
      const message =
        failures === 1
          ? /^((?!the data before).)*nonsense((?!the data before).)*$/s
          : /nonsense.*; and the data before it, which is live again, does not start: .*nonsense/s
      await expect(twin.swap('x')).rejects.toMatchObject({ code: 'TOOL_FAILED', message: saying(message) })
      await twin.close()
      expect(await readFile(join(placement.dataDir, 'generations.json'), 'utf8')).toBe(ledger)
      expect(await moody.status()).toBe(failures === 1 ? 'running' : 'stopped')
      await moody.recover()
      expect(await rows(both)).toEqual(['first'])
      expect(await leftovers(placement, moody)).toEqual([])
    }
  })

  test('makes the first generation where there is none', async () => {
    const placement = await place()
    const site = native.site(placement, tiny)
    onTestFinished(() => cleanUp(placement, site))
    const twin = await filled(site, 'only')
    expect(await site.status()).toBe('missing')
    await twin.swap('restored from x')
    await twin.close()
    await site.start(never)
    expect(await rows({ placement, site })).toEqual(['only'])
  })
})

test('two databases at once do not meet', async () => {
  const both = await Promise.all([started(), started()])
  await Promise.all(both.map((each, index) => fill(each, `db ${index}`)))
  expect(await Promise.all(both.map(rows))).toEqual([['db 0'], ['db 1']])
})
