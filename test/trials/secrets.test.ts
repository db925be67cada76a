// A known password is nowhere but where it must be: not in arguments, logs, manifests, answers, errors or declarations.

import { spawn } from 'node:child_process'
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openProject } from '../../src/index.ts'
import { pg, postgresql } from './cast.ts'
import { sh, stage, type Stage } from './stage.ts'

const PASSWORD = 'hush-Kx93qLw0-hush'

describe('a password', () => {
  if (postgresql.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${postgresql.missing}`, () => {})

  let scene: Stage
  const answers: unknown[] = []
  let arguments_ = ''
  beforeAll(async () => {
    scene = await stage()
    await writeFile(
      join(scene.root, '.hayaidb'),
      `version: "1.0"\nproject: hush\ndatabases:\n  shop:\n    engine: postgresql\n    environment:\n      POSTGRES_DB: myapp\n      POSTGRES_USER: owner\n      POSTGRES_PASSWORD: ${PASSWORD}\n`,
    )
    const project = await openProject({ cwd: scene.root })
    answers.push(await project.initDeclared(), await project.validate(), await project.start(['shop']))
    // In a process of its own: one that is started from here, again and again, would hold up what it watches.
    const watching = spawn('sh', ['-c', 'while ps -eo args; do sleep 0.03; done'], { stdio: ['ignore', 'pipe', 'inherit'] })
    watching.stdout.setEncoding('utf8').on('data', (lines: string) => (arguments_ += lines))
    await postgresql.fill(project, 'shop')
    answers.push(await project.snapshot({ database: 'shop' }), await project.snapshots())
    answers.push(await project.restore({ reference: 'shop', latest: true }), await project.verify({ reference: 'shop', latest: true }))
    answers.push(await project.undo('shop'), await project.list(), await project.connect('shop'))
    watching.kill()
  })
  afterAll(() => scene.close())

  it('given in .hayaidb is the real one, and another is refused', async () => {
    const { host, port } = await scene.project.connect('shop')
    const ask = (password: string) =>
      sh(pg('psql'), ['-h', String(host), '-p', String(port), '-U', 'owner', '-d', 'myapp', '-Atc', 'SELECT current_user'], {
        PGPASSWORD: password,
      })
    expect(ask(PASSWORD).trim()).toBe('owner')
    expect(() => ask('another')).toThrow('password authentication failed')
  })

  it('is in no argument of any process, and in no answer', () => {
    expect(arguments_).toContain('pg_dump')
    expect(arguments_).not.toContain(PASSWORD)
    expect(JSON.stringify(answers)).not.toContain(PASSWORD)
  })

  it('is in no file but .hayaidb and the one that keeps it, which is for its owner alone', async () => {
    const holding: string[] = []
    for (const entry of await readdir(scene.root, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      if (entry.isDirectory() || path.includes('/.hayai/data/')) continue
      expect((await stat(path)).mode & 0o022, path).toBe(0)
      if ((await readFile(path)).includes(PASSWORD)) holding.push(path.slice(scene.root.length + 1))
    }
    expect(holding.toSorted()).toEqual(['.hayai/secrets/shop.json', '.hayaidb'])
    expect((await stat(join(scene.root, '.hayai/secrets/shop.json'))).mode & 0o777).toBe(0o600)
    for (const file of await readdir(join(scene.root, 'snapshots')))
      expect((await stat(join(scene.root, 'snapshots', file))).mode & 0o777).toBe(0o600)
  })

  it('does not show in the error of a file that is wrong', async () => {
    const other = join(scene.root, 'other')
    await mkdir(other)
    await writeFile(
      join(other, '.hayaidb'),
      `version: "1.0"\ndatabases:\n  shop:\n    engine: postgresql\n    environment:\n      POSTGRES_PASSWORD: [${PASSWORD}]\n`,
    )
    const error: unknown = await (await openProject({ cwd: other })).validate().catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' })
    expect(JSON.stringify(error) + String(error)).not.toContain(PASSWORD)
  })
})

describe('reveal()', () => {
  it('has few callers outside of the engines, and each is known', async () => {
    const callers: string[] = []
    const source = join(import.meta.dirname, '../../src')
    for (const entry of await readdir(source, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      if (entry.isFile() && /\.reveal\(\)/.test(await readFile(path, 'utf8'))) callers.push(path.slice(source.length + 1))
    }
    expect(callers.filter((file) => !file.startsWith('engines/')).toSorted()).toEqual([
      'base/exec.ts',
      'cli/commands/connect.ts',
      'cli/commands/keys-create.ts',
      'core/backup/papers.ts',
      'core/keys/sheet.ts',
      'core/news/mail.ts', // the login of the mail server
      'core/news/senders.ts',
      'core/news/values.ts', // addresses, which are secrets
      'core/secrets/file.ts',
      'core/secrets/resolve.ts',
      'core/secrets/vault-client.ts',
      'core/secrets/vault.ts',
      'core/secrets/verbs.ts',
      'core/validate.ts',
      'project/identities.ts',
      'project/secrets.ts',
      'runtimes/native/folders.ts',
      'snapshots/age.ts',
    ])
  })
})
