// Snapshots and backups that only their recipients can read: written without a secret, opened by the stock `age`, and restored only
// where the identity is.

import { execFileSync } from 'node:child_process'
import { chmod, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openProject, type CreateKeyAnswer, type SnapshotView } from '../../src/index.ts'
import { postgresql, sqlite } from './cast.ts'
import { sh, stage, type Stage } from './stage.ts'

const hasAge = (() => {
  try {
    return sh('age', ['--version']) !== ''
  } catch {
    return false
  }
})()
const missing = hasAge ? undefined : 'there is no age on this machine'

describe.each([sqlite, postgresql])('$engine, encrypted', (actor) => {
  const why = actor.missing ?? missing
  if (why !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${why}`, () => {})

  let scene: Stage
  let home = ''
  let key: CreateKeyAnswer
  let before = ''
  const secrets: string[] = []
  const name = 'shop'
  const take = async (compression = 'gzip', recipients: readonly string[] = []): Promise<SnapshotView> => {
    const { snapshot } = await scene.project.snapshot({ database: name, compression, encrypt: true, recipients })
    if (snapshot === null) throw new Error('no snapshot')
    return snapshot
  }
  /** A fresh handle: one that has not opened any identity yet. */
  const fresh = () => scene.reopen()
  const without = async <T>(work: () => Promise<T>): Promise<T> => {
    const file = key.identity ?? ''
    await rename(file, join(home, 'away'))
    try {
      return await work()
    } finally {
      await rename(join(home, 'away'), file)
    }
  }
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'hayai-home-'))
    process.env['XDG_CONFIG_HOME'] = home
    scene = await stage()
    await scene.project.init({ name, engine: actor.engine })
    await scene.project.start([name])
    await actor.fill(scene.project, name)
    before = await actor.dump(scene.project, name)
  })
  afterAll(async () => {
    delete process.env['XDG_CONFIG_HOME']
    await scene.close()
    await rm(home, { recursive: true, force: true })
  })

  it('without a recipient nothing is written, and never a plain file', async () => {
    await expect(scene.project.snapshot({ database: name, encrypt: true })).rejects.toMatchObject({ code: 'USAGE' })
    const declared = await readFile(join(scene.root, '.hayaidb'), 'utf8')
    await writeFile(join(scene.root, '.hayaidb'), `${declared}global:\n  backup:\n    encryption: true # for nobody yet\n`)
    await expect(scene.project.snapshot({ database: name })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    await expect(scene.project.backup()).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    expect((await scene.project.validate()).warnings.join('\n')).toContain('hayai keys create')
    expect(await scene.project.snapshots()).toEqual([])
    expect(await scene.project.backups()).toEqual([])
    await writeFile(join(scene.root, '.hayaidb'), declared)
  })

  it('a key is made with a sheet to print, for its owner alone, and its recipient is declared', async () => {
    const inside = join(scene.root, 'snapshots', 'sheet.txt')
    await expect(scene.project.createKey({ sheet: inside })).rejects.toMatchObject({ code: 'USAGE' })
    const sheet = join(home, 'sheet.txt')
    key = await scene.project.createKey({ sheet })
    expect(key.identity).toBe(join(home, 'hayai', 'identities', `${key.recipient}.txt`))
    for (const file of [sheet, key.identity ?? '']) expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(dirname(key.identity ?? ''))).mode & 0o777).toBe(0o700)
    const secret = /AGE-SECRET-KEY-1[A-Z0-9]+/.exec(await readFile(sheet, 'utf8'))?.[0] ?? ''
    expect(await readFile(key.identity ?? '', 'utf8')).toContain(secret)
    expect(sh('age-keygen', ['-y', key.identity ?? '']).trim()).toBe(key.recipient)
    expect(JSON.stringify(key)).not.toContain(secret)
    secrets.push(secret)
    expect((await scene.project.keys()).recipients).toEqual([{ recipient: key.recipient, identity: key.identity }])
    expect(await scene.project.identities()).toEqual([{ file: key.identity, recipient: key.recipient, passphrase: false }])
    expect(await scene.project.addRecipient({ recipient: key.recipient ?? '' })).toMatchObject({ added: false })
  })

  it.each(['none', 'gzip', 'zstd'])('with the compression %s it is restored, verified, and opened by hand', async (compression) => {
    const { path, id, manifest } = await take(compression)
    expect(path).toMatch(/\.age$/)
    expect(manifest).toMatchObject({ recipients: [key.recipient] })
    const folder = join(scene.root, 'snapshots')
    const [latest = '', ...more] = (await readdir(folder)).filter((each) => each.includes('-latest'))
    expect([latest, ...more]).toEqual([`shop-snapshot-latest${basename(path).slice(basename(path).indexOf('.'))}`])
    expect((await readFile(path)).includes('CREATE TABLE')).toBe(false)
    expect((await readFile(path)).subarray(0, 21).toString()).toBe('age-encryption.org/v1')
    const [first = ''] = manifest?.byHand ?? []
    expect(first).toMatch(/^age -d -i KEYFILE /)
    execFileSync('sh', ['-c', first.replace('KEYFILE', `'${key.identity}'`)], { cwd: folder, stdio: 'pipe' })
    const plain = path.slice(0, -'.age'.length)
    const unpack = compression === 'none' ? 'cat' : compression === 'gzip' ? 'gunzip -c' : 'zstd -dc'
    const digest = execFileSync('sh', ['-c', `${unpack} '${plain}' | sha256sum`], { encoding: 'utf8' }).slice(0, 64)
    expect(digest).toBe(manifest?.files[0]?.plain.sha256)
    await rm(plain)
    expect(await (await fresh()).verify({ reference: id })).toMatchObject({ ok: true })
    await actor.damage(scene.project, name)
    await (await fresh()).restore({ reference: id })
    expect(await actor.dump(scene.project, name)).toBe(before)
  })

  it('diff, clone, export and import do with it what they do with a plain one', async () => {
    const { id } = await take()
    expect((await scene.project.diff({ before: id })).different).toBe(false)
    await scene.project.clone({ from: name, to: 'copy', snapshot: id })
    expect(await actor.dump(scene.project, 'copy')).toBe(before)
    await scene.project.remove('copy')
    const file = join(home, 'parcel.tar')
    await without(async () => (await fresh()).exportSnapshot({ reference: id, file }))
    await scene.project.deleteSnapshots({ references: [id] })
    const { imported, snapshot } = await without(async () => (await fresh()).importSnapshot({ file }))
    expect(imported).toBe(true)
    await scene.project.restore({ reference: snapshot.path })
    expect(await actor.dump(scene.project, name)).toBe(before)
  })

  it('written where no identity is, and refused there, with the recipient that is needed, before anything is touched', async () => {
    await without(async () => {
      const project = await fresh()
      const { id } = await take()
      const generations = (await project.list())[0]?.generation
      const dump = await actor.dump(project, name)
      for (const work of [
        () => project.restore({ reference: id }),
        () => project.restore({ reference: id, dryRun: true }),
        () => project.restore({ reference: id, to: 'another' }),
        () => project.verify({ reference: id }),
        () => project.clone({ from: name, to: 'another', snapshot: id }),
      ]) {
        const error: unknown = await work().catch((reason: unknown) => reason)
        expect(error).toMatchObject({ code: 'NOT_FOUND', details: { recipients: [key.recipient] } })
        expect(String(error)).toContain(key.recipient)
      }
      expect((await project.list()).map((each) => each.name)).toEqual([name])
      expect((await project.list())[0]?.generation).toBe(generations)
      expect(await actor.dump(project, name)).toBe(dump)
    })
  })

  it('a damaged or a cut one is refused before anything is touched', async () => {
    const { id, path } = await take()
    const whole = await readFile(path)
    const flipped = Buffer.from(whole)
    flipped.writeUInt8(flipped.readUInt8(flipped.length - 40) ^ 1, flipped.length - 40)
    const header = Buffer.from(whole)
    header.writeUInt8(header.readUInt8(60) ^ 1, 60)
    for (const bad of [flipped, header, whole.subarray(0, -1), whole.subarray(0, 50)]) {
      await writeFile(path, bad)
      await expect(scene.project.restore({ reference: id })).rejects.toMatchObject({ code: 'CORRUPT' })
    }
    // Without its manifest only the encryption itself can tell.
    await rm(path)
    for (const bad of [flipped, header.subarray(0, header.length), whole.subarray(0, -1)]) {
      await writeFile(join(home, 'foreign.sql.gz.age'), bad)
      await expect(scene.project.restore({ reference: join(home, 'foreign.sql.gz.age'), to: name })).rejects.toMatchObject({
        code: expect.stringMatching(/CORRUPT|NOT_FOUND/) as unknown,
      })
    }
    expect(await actor.dump(scene.project, name)).toBe(before)
    await scene.project.deleteSnapshots({ references: [id] })
  })

  it('what the stock age wrote is restored, whatever it is called', async () => {
    const { path, manifest } = await take('none')
    const [first = ''] = manifest?.byHand ?? []
    execFileSync('sh', ['-c', first.replace('KEYFILE', `'${key.identity}'`)], { cwd: dirname(path), stdio: 'pipe' })
    const plain = path.slice(0, -'.age'.length)
    const foreign = join(home, `theirs${plain.slice(plain.lastIndexOf('.'))}.gz.age`)
    execFileSync('sh', ['-c', `gzip -c '${plain}' | age -r ${key.recipient} -o '${foreign}'`], { stdio: 'pipe' })
    await rm(plain)
    await actor.damage(scene.project, name)
    await (await fresh()).restore({ reference: foreign, to: name })
    expect(await actor.dump(scene.project, name)).toBe(before)
  })

  it("a colleague's recipient, and an identity under a passphrase", async () => {
    const colleague = join(home, 'colleague.txt')
    sh('age-keygen', ['-o', colleague])
    await chmod(colleague, 0o600)
    const recipient = sh('age-keygen', ['-y', colleague]).trim()
    const { id, path, manifest } = await take('gzip', [recipient])
    expect(manifest?.recipients).toEqual([key.recipient, recipient])
    expect(sh('sh', ['-c', `age -d -i '${colleague}' '${path}' | gunzip | sha256sum`]).slice(0, 64)).toBe(manifest?.files[0]?.plain.sha256)
    const elsewhere = { ...process.env }
    try {
      process.env['HAYAI_IDENTITY'] = colleague
      expect(await (await fresh()).verify({ reference: id })).toMatchObject({ ok: true })
      await chmod(colleague, 0o644)
      await expect((await fresh()).verify({ reference: id })).rejects.toMatchObject({ code: 'WRONG_STATE' })
      delete process.env['HAYAI_IDENTITY']
      process.env['HAYAI_PASSPHRASE'] = 'correct horse battery'
      const locked = await scene.project.createKey({ passphrase: true })
      secrets.push(/AGE-SECRET-KEY-1[A-Z0-9]+/.exec(locked.shown?.reveal() ?? '')?.[0] ?? 'no secret')
      expect(locked.identity).toMatch(/\.age$/)
      expect((await readFile(locked.identity ?? '')).includes('AGE-SECRET-KEY')).toBe(false)
      const both = await take()
      expect(both.manifest?.recipients).toEqual([key.recipient, locked.recipient])
      await without(async () => {
        expect(await (await fresh()).verify({ reference: both.id })).toMatchObject({ ok: true })
        process.env['HAYAI_PASSPHRASE'] = 'wrong'
        await expect((await fresh()).verify({ reference: both.id })).rejects.toMatchObject({ code: 'CONFLICT' })
        delete process.env['HAYAI_PASSPHRASE']
        await expect((await fresh()).verify({ reference: both.id })).rejects.toMatchObject({ code: 'NOT_FOUND' })
        const asked: string[] = []
        const askPassphrase = async (about: string) => {
          asked.push(about)
          return new (await import('../../src/index.ts')).Secret('correct horse battery')
        }
        const project = await openProject({ cwd: scene.root, askPassphrase })
        expect(await project.verify({ reference: both.id })).toMatchObject({ ok: true })
        expect(asked).toEqual([`the identity ${locked.identity}`])
      })
    } finally {
      for (const each of ['HAYAI_IDENTITY', 'HAYAI_PASSPHRASE']) {
        if (elsewhere[each] === undefined) delete process.env[each]
      }
    }
  }, 120_000)

  it('a backup is encrypted too, with its logs, and comes back where the identity is', async () => {
    const { backup } = await scene.project.backup({ encrypt: true })
    if (backup === null) throw new Error('no backup')
    expect(backup.databases[0]?.file).toMatch(/_backup\.[a-z]+\.age$/)
    const logs = await readdir(join(backup.path, 'logs_backup'))
    expect(logs.length).toBeGreaterThan(0)
    expect(logs.filter((each) => !each.endsWith('.age'))).toEqual([])
    sh('age', ['-d', '-i', key.identity ?? '', join(backup.path, 'logs_backup', 'hayai.log.age')])
    await actor.damage(scene.project, name)
    const damaged = await actor.dump(scene.project, name)
    await without(async () => {
      const [locked] = (await readdir(join(home, 'hayai', 'identities'))).filter((each) => each.endsWith('.age'))
      if (locked !== undefined) await rm(join(home, 'hayai', 'identities', locked))
      await expect((await fresh()).restoreBackup({ reference: backup.id })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    })
    expect(await actor.dump(scene.project, name)).toBe(damaged)
    await (await fresh()).restoreBackup({ reference: backup.id })
    expect(await actor.dump(scene.project, name)).toBe(before)
  })

  it('declared once, everything is encrypted, and no secret key is anywhere in the project', async () => {
    const file = join(scene.root, '.hayaidb')
    const text = await readFile(file, 'utf8')
    await writeFile(file, text.replace('    recipients:', '    encryption: true\n    recipients:'))
    const { snapshot } = await scene.project.snapshot({ database: name })
    expect(snapshot?.path).toMatch(/\.age$/)
    await without(async () => {
      const guarding = (await fresh()).guard({ databases: [name], label: 'true', undo: false, command: () => Promise.resolve(0) })
      await expect(guarding).rejects.toMatchObject({ code: 'NOT_FOUND' })
    })
    for (const entry of await readdir(scene.root, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const content = await readFile(join(entry.parentPath, entry.name))
      for (const secret of secrets) expect(content.includes(secret), entry.name).toBe(false)
    }
    expect(secrets).toHaveLength(2)
  })
})
