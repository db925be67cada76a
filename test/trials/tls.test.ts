// `enable_ssl: true`: the stock clients get in when they check the certificate, nobody gets in without encryption, and everything that
// Hayai does goes on as it did.

import { existsSync, readFileSync, statSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { freePort } from '../../src/base/ports.ts'
import { openProject, type Connection, type Project } from '../../src/index.ts'
import { authorityCertificate, keyText, newKey, serverCertificate } from '../../src/project/tls/certificate.ts'
import { program } from '../engines/mariadb-server.ts'
import { image, noDocker } from '../runtimes/compose/docker.ts'
import { cast, pg } from './cast.ts'
import { sh, stage, type Stage } from './stage.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

const OTHER = { organization: 'Example', common: 'another' }
const SPAN = { from: new Date(Date.now() - 86_400_000), until: new Date(Date.now() + 86_400_000) }

const ENGINES = ['postgresql', 'mariadb', 'redis'] as const
type Kind = (typeof ENGINES)[number]
const IMAGES = { postgresql: 'postgres', mariadb: 'mariadb', redis: 'redis' } as const
const WRITE = {
  postgresql: 'CREATE TABLE t (n int); INSERT INTO t VALUES (7)',
  mariadb: 'CREATE TABLE t (n int); INSERT INTO t VALUES (7)',
  redis: 'SET t 7',
}
const SPOIL = { postgresql: 'UPDATE t SET n = 8', mariadb: 'UPDATE t SET n = 8', redis: 'SET t 8' }
const READ = { postgresql: 'SELECT n FROM t', mariadb: 'SELECT n FROM t', redis: 'GET t' }

const absent = cast.find(({ engine, missing }) => ENGINES.some((each) => each === engine) && missing !== undefined)?.missing
const missing = process.env['CI'] === undefined ? absent : undefined

const text = async (security: string, runtime: string): Promise<string> => {
  const databases = await Promise.all(
    ENGINES.map(async (engine) => {
      const where = runtime === 'compose' ? `\n    runtime: compose\n    image: ${image(IMAGES[engine])}` : ''
      return `  my-${engine}:\n    engine: ${engine}${where}\n    port: ${await freePort()}\n`
    }),
  )
  return `version: "1.0"\nproject: my-app\ndatabases:\n${databases.join('')}${security}`
}
const SECURED = 'global:\n  security:\n    enable_ssl: true\n    ssl_cert_path: "./ssl"\n'

/** How the engine's stock client asks. `authority`: by which it checks the server; undefined: without encryption. */
function ask(kind: Kind, to: Connection, statement: string, authority: string | undefined, host = '127.0.0.1'): string {
  const [port, password] = [String(to.port), to.password?.reveal() ?? '']
  if (kind === 'postgresql') {
    const mode = authority === undefined ? 'sslmode=disable' : `sslmode=verify-full sslrootcert='${authority}'`
    const line = `host=${host} port=${port} user=${to.user} dbname=${to.database} ${mode}`
    return sh(pg('psql'), ['-XAtq', line, '-c', statement], { PGPASSWORD: password }).trim()
  }
  if (kind === 'mariadb') {
    const mode = authority === undefined ? ['--skip-ssl'] : ['--ssl', '--ssl-verify-server-cert', `--ssl-ca=${authority}`]
    const login = [
      '--no-defaults',
      '--protocol=tcp',
      '-h',
      host,
      '-P',
      port,
      '-u',
      String(to.user),
      ...mode,
      '-N',
      '-D',
      String(to.database),
    ]
    return sh(program('mariadb'), [...login, '-e', statement], { MYSQL_PWD: password }).trim()
  }
  const mode = authority === undefined ? [] : ['--tls', '--cacert', authority]
  return sh('redis-cli', ['-e', '-h', host, '-p', port, ...mode, ...statement.split(' ')], { REDISCLI_AUTH: password }).trim()
}

interface Ground {
  readonly scene: Stage
  readonly project: Project
  asked(kind: Kind, statement: string, name?: string): Promise<string>
}

async function ground(runtime: string): Promise<Ground> {
  const scene = await stage()
  try {
    await writeFile(join(scene.root, '.hayaidb'), await text(SECURED, runtime))
    const project = await openProject({ cwd: scene.root })
    await project.initDeclared()
    await project.start([])
    return {
      scene,
      project,
      async asked(kind, statement, name = `my-${kind}`) {
        const to = await project.connect(name)
        return ask(kind, to, statement, to.tls?.authority)
      },
    }
  } catch (error) {
    await scene.close()
    throw error
  }
}

/** The stock client with the check, by name and by address; and without encryption, or with another authority, not. */
async function getsIn({ project, scene }: Ground, kind: Kind): Promise<void> {
  const to = await project.connect(`my-${kind}`)
  expect(to.tls).toEqual({ authority: join(scene.root, 'ssl/ca.crt') })
  for (const host of ['127.0.0.1', 'localhost'])
    expect(ask(kind, to, 'redis' === kind ? 'PING' : 'SELECT 1', to.tls?.authority, host)).toMatch(/1|PONG/)
  const question = kind === 'redis' ? 'PING' : 'SELECT 1'
  expect(() => ask(kind, to, question, undefined)).toThrow(
    { postgresql: /no encryption/, mariadb: /insecure transport|Access denied/, redis: /Connection reset|I\/O error|closed/ }[kind],
  )
  await writeFile(join(scene.root, 'other.crt'), authorityCertificate(newKey(), { subject: OTHER, ...SPAN }))
  expect(() => ask(kind, to, question, join(scene.root, 'other.crt'))).toThrow(/certificate|verif/i)
  const uri = to.uri.reveal()
  if (kind === 'postgresql')
    expect(sh(pg('psql'), ['-XAtqc', 'SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()', uri])).toMatch(/^t\|TLSv1/)
  if (kind === 'redis') expect(sh('redis-cli', ['-u', uri, '--cacert', to.tls?.authority ?? '', 'PING'])).toContain('PONG')
  if (kind === 'mariadb') expect(new URL(uri).searchParams.get('ssl-ca')).toBe(to.tls?.authority)
}

/** Snapshot, spoil, restore, undo, and redo in between: as ever. */
async function livesOn({ project, asked }: Ground, kind: Kind, formats: readonly string[]): Promise<void> {
  const name = `my-${kind}`
  await asked(kind, WRITE[kind])
  for (const format of formats) {
    const { snapshot } = await project.snapshot({ database: name, format })
    await asked(kind, SPOIL[kind])
    await project.restore({ reference: snapshot?.id ?? '' })
    expect(await asked(kind, READ[kind])).toBe('7')
    await project.undo(name)
    expect(await asked(kind, READ[kind])).toBe('8')
    if (format === formats.at(-1)) continue
    await project.redo(name)
    expect(await asked(kind, READ[kind])).toBe('7')
  }
}

describe.skipIf(missing !== undefined)(`encrypted connections, natively${missing === undefined ? '' : ` (${missing})`}`, () => {
  let here: Ground
  beforeAll(async () => {
    here = await ground('native')
  })
  afterAll(() => here.scene.close())

  it.each(ENGINES)('%s: who checks gets in, who does not encrypt does not', (kind) => getsIn(here, kind))

  it.each([
    ['postgresql', ['sql', 'tar']],
    ['mariadb', ['sql']],
    ['redis', ['rdb']],
  ] as const)('%s: snapshot, restore and undo as ever', (kind, formats) => livesOn(here, kind, formats))

  it.each(['postgresql', 'redis'] as const)('%s: a clone has a certificate of its own; the two are compared', async (kind) => {
    const name = `copy-${kind}`
    await here.project.clone({ from: `my-${kind}`, to: name })
    expect(await here.asked(kind, READ[kind], name)).toBe('8')
    expect(existsSync(join(here.scene.root, 'ssl', name, 'server.crt'))).toBe(true)
    const { different } = await here.project.diff({ before: `my-${kind}`, after: name, data: true })
    expect(different).toBe(false)
  })

  it('a certificate that does not do is told while everything runs, and stops nothing', async () => {
    const folder = join(here.scene.root, 'ssl/my-redis')
    const made = readFileSync(join(folder, 'server.crt'), 'utf8')
    const key = newKey()
    const ended = { subject: OTHER, from: SPAN.from, until: new Date(Date.now() - 1000) }
    const kept = readFileSync(join(folder, 'server.key'), 'utf8')
    await writeFile(join(folder, 'server.crt'), serverCertificate(key, ['localhost', '127.0.0.1'], ended, { name: OTHER, key }))
    await writeFile(join(folder, 'server.key'), keyText(key))
    const refused = { code: 'CONFIG_INVALID', message: expect.stringContaining('ssl/my-redis/server.crt has expired') as unknown }
    await expect(here.project.restore({ reference: 'my-redis', latest: true })).rejects.toMatchObject(refused)
    await expect(here.project.validate()).rejects.toMatchObject(refused)
    expect(await here.asked('redis', READ.redis)).toBe('8')
    await writeFile(join(folder, 'server.crt'), made)
    await writeFile(join(folder, 'server.key'), kept)
  })

  it('keys are private', () => {
    const tls = join(here.scene.root, '.hayai/run/my-postgresql/tls/server.key')
    for (const file of [tls, join(here.scene.root, 'ssl/ca.key')]) expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('validate and health tell until when; a change of the setting holds from the next start on', async () => {
    const file = join(here.scene.root, '.hayaidb')
    const { certificates } = await here.project.validate()
    expect(certificates.map(({ database }) => database)).toEqual(expect.arrayContaining(ENGINES.map((kind) => `my-${kind}`)))
    expect(Date.parse(certificates[0]?.until ?? '')).toBeGreaterThan(Date.now() + 800 * 86_400_000)
    const { databases } = await here.project.health()
    expect(databases.find(({ database }) => database === 'my-redis')?.certificate).toBe(
      certificates.find(({ database }) => database === 'my-redis')?.until,
    )
    const secured = readFileSync(file, 'utf8')
    await writeFile(file, secured.replace('enable_ssl: true', 'enable_ssl: false'))
    expect(await here.asked('postgresql', READ.postgresql)).toBe('8')
    await here.project.snapshot({ database: 'my-postgresql' })
    await here.project.stop(['my-postgresql'])
    await here.project.start(['my-postgresql'])
    const to = await here.project.connect('my-postgresql')
    expect(to.tls).toBeNull()
    expect(ask('postgresql', to, READ.postgresql, undefined)).toBe('8')
    await writeFile(file, secured)
    const { findings } = await here.project.health()
    expect(findings.filter(({ kind }) => kind === 'certificate')).toMatchObject([{ database: 'my-postgresql' }])
    await here.project.snapshot({ database: 'my-postgresql' })
    expect((await here.project.connect('my-postgresql')).tls).toBeNull()
  })
})

const without = process.env['CI'] === undefined ? (absent ?? noDocker) : undefined

describe.skipIf(without !== undefined)(`encrypted connections, in containers${without === undefined ? '' : ` (${without})`}`, () => {
  let here: Ground
  beforeAll(async () => {
    here = await ground('compose')
  })
  afterAll(() => here.scene.close())

  it.each(ENGINES)('%s: who checks gets in, and all goes on', async (kind) => {
    await getsIn(here, kind)
    if (kind === 'mariadb') await livesOn(here, kind, ['tar']) // by programs in the container, and beside it
    expect((await here.project.list()).find(({ name }) => name === `my-${kind}`)?.status).toBe('running')
  })
})
