// `${NAME}` and `secret:name` in .hayaidb, with each backend: the database has that password, and it is written nowhere.

import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openProject, Secret, type Project } from '../../src/index.ts'
import { authorityCertificate, keyText, newKey, serverCertificate } from '../../src/project/tls/certificate.ts'
import { image, noDocker } from '../runtimes/compose/docker.ts'
import { pg, postgresql } from './cast.ts'
import { sh, stage, type Stage } from './stage.ts'
import { startVault, type VaultServer } from './vault-server.ts'

vi.setConfig({ testTimeout: 120_000 })

const PASSWORD = 'hush-Rw81vTz5-hush'

const span = () => ({ from: new Date(Date.now() - 1000), until: new Date(Date.now() + 86_400_000) })

let scene: Stage
beforeEach(async () => {
  scene = await stage()
  vi.stubEnv('HAYAI_IDENTITY', undefined)
  vi.stubEnv('XDG_CONFIG_HOME', join(scene.root, '..', `${scene.root.split('/').at(-1)}.config`))
  for (const name of ['VAULT_TOKEN', 'VAULT_ADDR', 'VAULT_ROLE_ID', 'VAULT_SECRET_ID', 'VAULT_NAMESPACE', 'VAULT_CACERT'])
    vi.stubEnv(name, undefined)
})
afterEach(async () => {
  await rm(process.env['XDG_CONFIG_HOME'] ?? '', { recursive: true, force: true })
  vi.unstubAllEnvs()
  await scene.close()
})

async function declaring(value: string, security: string, extra = ''): Promise<Project> {
  const text = `version: "1.0"\nproject: hush\ndatabases:\n  shop:\n    engine: postgresql\n${extra}    environment:\n      POSTGRES_USER: owner\n      POSTGRES_PASSWORD: ${value}\n`
  await writeFile(
    join(scene.root, '.hayaidb'),
    `${text}${security === '' ? '' : `global:\n  security:\n    ${security.replaceAll('\n', '\n    ')}\n`}`,
  )
  return openProject({ cwd: scene.root })
}

/** Arguments of every process of the machine, while the work is done. */
async function watching(work: () => Promise<void>): Promise<string> {
  let seen = ''
  const look = (): void => {
    for (const pid of readdirSync('/proc')) {
      if (!/^\d+$/.test(pid)) continue
      try {
        seen += readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      } catch {
        // it has ended
      }
    }
  }
  const timer = setInterval(look, 15)
  try {
    await work()
  } finally {
    clearInterval(timer)
  }
  return seen
}

/** Files of the project that hold the password, but for the server's own. */
async function holding(): Promise<readonly string[]> {
  const found: string[] = []
  for (const entry of await readdir(scene.root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isFile() || path.includes('/.hayai/data/')) continue
    if ((await readFile(path)).includes(PASSWORD)) found.push(path.slice(scene.root.length + 1))
  }
  return found
}

async function letsIn(project: Project): Promise<void> {
  const { host, port } = await project.connect('shop')
  const ask = (password: string): string =>
    sh(pg('psql'), ['-h', String(host), '-p', String(port), '-U', 'owner', '-d', 'database', '-Atc', 'SELECT current_user'], {
      PGPASSWORD: password,
    }).trim()
  expect(ask(PASSWORD)).toBe('owner')
  expect(() => ask('another')).toThrow('password authentication failed')
}

const absent = process.env['CI'] === undefined ? postgresql.missing : undefined

describe.skipIf(absent !== undefined)(`references${absent === undefined ? '' : ` (${absent})`}`, () => {
  it('${NAME} is a variable; without it nothing is made, and what is made needs it no more', async () => {
    const project = await declaring('"${SHOP_PASSWORD}"', '')
    await expect(project.initDeclared()).rejects.toMatchObject({
      code: 'ENVIRONMENT',
      message: expect.stringContaining('SHOP_PASSWORD is not set') as unknown,
    })
    expect(await project.list()).toEqual([])
    expect((await project.validate()).warnings.join()).toContain('SHOP_PASSWORD, which is not set')
    vi.stubEnv('SHOP_PASSWORD', PASSWORD)
    await project.initDeclared()
    vi.stubEnv('SHOP_PASSWORD', undefined)
    await project.start([])
    await letsIn(project)
  })

  it('a secret in a file of age: kept, listed, used, removed and had back; in no argument, answer, log or file', async () => {
    const project = await declaring('secret:shop-db', 'enable_secrets: true\nsecrets_backend: file')
    await expect(project.setSecret({ name: 'shop-db', value: new Secret(PASSWORD) })).rejects.toMatchObject({
      hint: expect.stringContaining('keys create') as unknown,
    })
    await project.createKey({ sheet: join(scene.root, '..', `${scene.root.split('/').at(-1)}.sheet`) })
    await expect(project.initDeclared()).rejects.toMatchObject({ code: 'NOT_FOUND', hint: 'hayai secrets set shop-db' })
    const answers: unknown[] = []
    const seen = await watching(async () => {
      answers.push(await project.setSecret({ name: 'shop-db', value: new Secret(PASSWORD) }), await project.secrets())
      answers.push(await project.initDeclared(), await project.start([]), await project.validate())
      await postgresql.run(project, 'shop', 'CREATE TABLE t AS SELECT generate_series(1, 1000) n')
      answers.push(await project.snapshot({ database: 'shop' }), await project.restore({ reference: 'shop', latest: true }))
      answers.push(await project.backup(), await project.undo('shop'), await project.list(), await project.health())
    })
    await letsIn(project)
    expect(await project.secrets()).toMatchObject({
      names: ['shop-db'],
      uses: [{ database: 'shop', variable: 'POSTGRES_PASSWORD', name: 'shop-db', there: true }],
    })
    expect(seen).toContain('pg_dump')
    expect(seen).not.toContain(PASSWORD)
    expect(JSON.stringify(answers)).not.toContain(PASSWORD)
    expect(await holding()).toEqual(['.hayai/secrets/shop.json'])
    expect((await stat(join(scene.root, 'secrets.age'))).mode & 0o777).toBe(0o600)
    const [identity = ''] = readdirSync(join(process.env['XDG_CONFIG_HOME'] ?? '', 'hayai/identities'))
    const opened = execFileSync('age', [
      '-d',
      '-i',
      join(process.env['XDG_CONFIG_HOME'] ?? '', 'hayai/identities', identity),
      join(scene.root, 'secrets.age'),
    ])
    expect(JSON.parse(opened.toString())).toEqual({ 'shop-db': PASSWORD })
    const { undo } = await project.removeSecret({ name: 'shop-db' })
    expect(undo).toContain('.hayai/secrets.previous.age')
    expect((await project.secrets()).uses).toMatchObject([{ there: false }])
    await project.stop([])
    await project.start([])
    await letsIn(project)
    await rm(join(scene.root, '..', `${scene.root.split('/').at(-1)}.sheet`), { force: true })
  })

  it('a secret may not stand where it would show, nor where secrets are not enabled', async () => {
    const project = await declaring('secret:shop-db', '')
    for (const asked of [project.validate(), project.initDeclared()]) await expect(asked).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    vi.stubEnv('HAYAI_SECRET_SHOP_DB', PASSWORD)
    const showing = await declaring('secret:shop-db\n      POSTGRES_WORK_MEM: secret:shop-db', 'enable_secrets: true')
    await expect(showing.initDeclared()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('would stand in the arguments') as unknown,
    })
    const fine = await declaring('secret:shop-db', 'enable_secrets: true\nsecrets_backend: env')
    await fine.initDeclared()
    await fine.start([])
    await letsIn(fine)
    expect((await fine.secrets()).names).toEqual(['shop-db'])
    await expect(fine.setSecret({ name: 'x', value: new Secret('y') })).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  describe('in Vault', () => {
    let vault: VaultServer
    const KEEP = 'hayai/hush/shop-db'
    beforeEach(async () => {
      const ends = span()
      const issuer = { name: { organization: 'Test', common: 'root' }, key: newKey() }
      const key = newKey()
      await writeFile(join(scene.root, 'vault-ca.crt'), authorityCertificate(issuer.key, { subject: issuer.name, ...ends }))
      const cert = serverCertificate(key, ['127.0.0.1'], { subject: { organization: 'Test', common: 'vault' }, ...ends }, issuer)
      vault = await startVault({ cert, key: keyText(key) })
      vault.secrets.set(KEEP, [{ data: { value: PASSWORD, note: 'kept' }, deleted: false }])
    })
    afterEach(() => vault[Symbol.asyncDispose]())
    const settings = (changes: Readonly<Record<string, string>> = {}): string =>
      `enable_secrets: true\nsecrets_backend: vault\nvault: ${JSON.stringify({ address: vault.address, namespace: 'team-a', ca_cert: 'vault-ca.crt', ...changes })}`
    const refused = async (changes: Readonly<Record<string, string>>, message: RegExp, code = 'ENVIRONMENT'): Promise<void> => {
      const project = await declaring('secret:shop-db', settings(changes))
      const error: unknown = await project.initDeclared().catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code })
      expect(String(error)).toMatch(message)
      expect(String(error) + JSON.stringify(error)).not.toContain(PASSWORD)
    }

    it('by AppRole: read at the making, and never again; set, list and remove; nothing of it is written', async () => {
      vi.stubEnv('VAULT_ROLE_ID', vault.roleId)
      vi.stubEnv('VAULT_SECRET_ID', vault.secretId)
      const project = await declaring('secret:shop-db', settings())
      const seen = await watching(async () => {
        await project.initDeclared()
        await project.start([])
        await letsIn(project)
      })
      const asked = vault.asked.length
      const later = await openProject({ cwd: scene.root })
      await later.snapshot({ database: 'shop' })
      await later.restore({ reference: 'shop', latest: true })
      expect(vault.asked).toHaveLength(asked)
      expect(seen).not.toContain(vault.secretId)
      expect(await holding()).toEqual(['.hayai/secrets/shop.json'])
      expect(await later.setSecret({ name: 'shop-db', value: new Secret('other') })).toMatchObject({ replaced: true })
      expect(vault.secrets.get(KEEP)?.at(-1)?.data).toEqual({ value: 'other', note: 'kept' })
      vault.expire() // the token is got again
      await later.setSecret({ name: 'new', value: new Secret('one') })
      expect((await later.secrets()).names).toEqual(['new', 'shop-db'])
      await later.removeSecret({ name: 'new' })
      expect((await later.secrets()).names).toEqual(['shop-db'])
      await later.setSecret({ name: 'new', value: new Secret('again') })
      expect(vault.secrets.get('hayai/hush/new')).toHaveLength(2)
    })

    it('by token: one that ends soon is renewed first', async () => {
      vi.stubEnv('VAULT_TOKEN', vault.token(20))
      const project = await declaring('secret:shop-db', settings())
      expect((await project.secrets()).uses).toMatchObject([{ there: true }])
      expect(vault.asked).toContain('POST auth/token/renew-self')
    })

    it('each way in which it can fail has its words, and exit status 6', async () => {
      const [good, ended] = [vault.token(3600), vault.token(-1)]
      vi.stubEnv('HOME', scene.root)
      await refused({}, /there is no token for Vault/)
      vi.stubEnv('VAULT_TOKEN', ended)
      await refused({}, /does not accept the token: it is wrong, or has expired/)
      vi.stubEnv('VAULT_TOKEN', good)
      vault.forbidden.add(KEEP)
      await refused({}, /does not allow GET secret\/data\/hayai\/hush\/shop-db: .*permission denied/s)
      vault.forbidden.clear()
      vault.sealed = true
      await refused({}, /is sealed/)
      vault.sealed = false
      await writeFile(
        join(scene.root, 'other.crt'),
        authorityCertificate(newKey(), { subject: { organization: 'Test', common: 'other' }, ...span() }),
      )
      await refused({ ca_cert: 'other.crt' }, /is not to be trusted/)
      await refused({ namespace: 'team-b' }, /cannot auth.token.lookup-self: no handler for route/)
      await refused({ mount: 'other' }, /cannot GET other\/data\/hayai\/hush\/shop-db: no handler for route/)
      await refused({ address: 'http://vault.example.org:8200' }, /is no place for secrets/, 'CONFIG_INVALID')
      await refused({ path: 'elsewhere' }, /there is no secret "shop-db"/, 'NOT_FOUND')
      vi.stubEnv('VAULT_ROLE_ID', vault.roleId)
      vi.stubEnv('VAULT_SECRET_ID', 'wrong')
      await refused({}, /does not accept the AppRole: invalid role or secret ID/)
      vi.stubEnv('VAULT_ROLE_ID', undefined)
      await vault[Symbol.asyncDispose]()
      await refused({}, /cannot be reached/)
      expect(await scene.project.list()).toEqual([])
    })
  })

  it.skipIf(process.env['CI'] === undefined && noDocker !== undefined)(
    'from a container: not in docker-compose.yml, nor in what Docker tells of it',
    async () => {
      vi.stubEnv('HAYAI_SECRET_SHOP_DB', PASSWORD)
      const project = await declaring('secret:shop-db', 'enable_secrets: true', `    runtime: compose\n    image: ${image('postgres')}\n`)
      const seen = await watching(async () => {
        await project.initDeclared()
        await project.start([])
      })
      await letsIn(project)
      expect(seen).not.toContain(PASSWORD)
      const containers = sh('docker', ['ps', '-q', '--filter', 'label=org.hayai.project']).trim().split('\n')
      expect(sh('docker', ['inspect', ...containers])).not.toContain(PASSWORD)
      expect((await holding()).toSorted()).toEqual(['.hayai/run/shop/secrets/password', '.hayai/secrets/shop.json'])
    },
  )
})
