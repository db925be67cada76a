// Backups, typed: what is said, with which exit status; and the script that other programs call.

import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { BackupStatus, BackupView } from '../../src/index.ts'
import { emptyFolder, hayai, PROGRAM, type Outcome } from './terminal.ts'

let folder: Awaited<ReturnType<typeof emptyFolder>>
const at = (...names: readonly string[]): string => join(folder.path, ...names)
const type = (line: string, env: Readonly<Record<string, string>> = {}): Promise<Outcome> =>
  hayai(line.split(' '), { cwd: folder.path, env })
async function good(line: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const { status, stdout, stderr } = await type(line, env)
  expect({ line, status, stderr }).toEqual({ line, status: 0, stderr: '' })
  return stdout
}
async function bad(line: string, status: number): Promise<string> {
  const outcome = await type(line)
  expect({ line, status: outcome.status }).toEqual({ line, status })
  return outcome.stderr
}
async function data<T>(line: string): Promise<T> {
  return (JSON.parse(await good(`${line} --json`)) as { data: T }).data
}
const newest = async (): Promise<BackupView> => {
  const { newest: view } = await data<BackupStatus>('backup status')
  if (view === null) throw new Error('there is no backup')
  return view
}
const sql = (name: string, text: string): unknown => {
  const database = new DatabaseSync(at(`${name}.db`))
  try {
    if (!text.startsWith('SELECT')) return database.exec(text)
    return Object.values(database.prepare(text).get() ?? {})[0]
  } finally {
    database.close()
  }
}

beforeAll(async () => {
  folder = await emptyFolder()
  const declared = ['a', 'b'].map((name) => `  ${name}:\n    engine: sqlite\n    file: ./${name}.db\n`)
  writeFileSync(at('.hayaidb'), `version: "1.0"\nproject: demo\ndatabases:\n${declared.join('')}`)
  writeFileSync(
    at('docker-compose.yml'),
    'services:\n  db:\n    environment:\n      POSTGRES_PASSWORD: hunter2\n      - DB_SECRET=hunter2\n',
  )
  await good('init --config .hayaidb')
  for (const name of ['a', 'b']) sql(name, "CREATE TABLE t (v); INSERT INTO t VALUES ('x'), ('y')")
})
afterAll(() => folder.remove())

it('makes one, lists and shows it; in Portuguese where the locale is', async () => {
  expect(await bad('backup show', 3)).toContain('hint: hayai backup')
  expect(await good('backup --dry-run')).toContain('Nothing was changed')
  expect(await good('backup --comment first', { LC_ALL: 'pt_BR.UTF-8', TZ: 'America/Sao_Paulo' })).toMatch(
    /backup of 2 databases: backups\/\d{8}_\d{6} /,
  )
  const view = await newest()
  const info = readFileSync(join(view.path, 'backup_info.txt'), 'utf8')
  expect(info).toMatch(
    /^Backup criado em: \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d -03 \d{4}\nDiretório: backups\/\d{8}_\d{6}\nVersão Docker Compose: não usado\nContainers incluídos: a b\nTotal de bancos: 2\n$/,
  )
  expect(await good('backup list')).toMatch(/whole +a b .*first/)
  expect(await good('backup show')).toContain('2 rows in 1 table')
  expect(await good('backup status')).toContain('never verified')
})

it('remembers where else backups were sent, as snapshots are', async () => {
  const made = await good('backup --only a -o elsewhere --comment away')
  const name = /\d{8}_\d{6}/.exec(made)?.[0] ?? ''
  expect(await good('backup list')).toMatch(new RegExp(`${name} .*away +elsewhere/${name}`))
  const { id } = await data<BackupView>(`backup show ${name}`)
  expect(await good('backup status')).toMatch(/2 backups in backups, elsewhere/)
  expect(await good(`backup verify ${id.slice(0, 8)}`)).toContain(name)
  expect(await good('backup show latest')).toContain('away')
  expect(await good('backup list -d elsewhere')).toContain(name)
  expect(await good('backup list -d backups')).not.toContain('away')
  const deleted = await good(`backup delete ${id.slice(0, 8)} -y`)
  expect(await good('backup list')).not.toContain('away')
  await good(/hayai (backup undelete \w+)/.exec(deleted)?.[1] ?? '')
  expect(await good('backup list')).toContain('away')
  await good(`backup delete ${name} -d elsewhere -y`)
})

it('takes passwords out of what it copies', async () => {
  const compose = readFileSync(join((await newest()).path, 'config/docker-compose.yml'), 'utf8')
  expect(compose).not.toContain('hunter2')
  expect(compose).toContain('# POSTGRES_PASSWORD: taken out of this copy')
})

it('restores all, or some, and undo --all takes it back', async () => {
  for (const name of ['a', 'b']) sql(name, 'DELETE FROM t')
  expect(await bad('backup restore', 2)).toContain('--latest')
  expect(await bad('backup restore --latest --only c', 3)).toContain('It has: a, b.')
  expect(await good('backup restore --latest --dry-run')).toContain('Nothing was changed')
  expect(await good('backup restore --latest --only a')).toContain('Left as they are: b.')
  expect([sql('a', 'SELECT count(*) FROM t'), sql('b', 'SELECT count(*) FROM t')]).toEqual([2, 0])
  await good('undo --all')
  expect(sql('a', 'SELECT count(*) FROM t')).toBe(0)
  await bad('undo a --all', 2)
  expect(await good(`backup restore ${(await newest()).name}`)).toContain('take it back: hayai undo --all')
  expect([sql('a', 'SELECT count(*) FROM t'), sql('b', 'SELECT count(*) FROM t')]).toEqual([2, 2])
})

it('verifies every file and every database', async () => {
  expect(await good('backup verify')).toContain('can be restored')
  await good('backup')
  const { path, name } = await newest()
  writeFileSync(join(path, 'added.txt'), 'x')
  expect(await good(`backup verify ${name}`)).toContain('added.txt does not belong to it')
  appendFileSync(join(path, 'logs_backup/hayai.log'), 'x')
  expect(await bad(`backup verify ${name}`, 9)).toContain('logs_backup/hayai.log')
  expect(await good('backup list')).toContain('DAMAGED')
  expect(await good(`backup restore ${name}`)).toContain('note:') // a log is not what data hangs on
  rmSync(join(path, 'a_backup.db'))
  expect(await bad(`backup restore ${name}`, 9)).toContain('a_backup.db')
})

it('prunes and deletes, and what is deleted comes back', async () => {
  expect(await bad('backup prune', 2)).toContain('needs a rule')
  const pruned = await good('backup prune --keep-last 1 -y')
  expect(pruned).toMatch(/keep .*the newest whole one.*\n?/)
  expect(pruned).toMatch(/delete .*damaged, or failed its verification/)
  const [, undo = ''] = /bring back: hayai (backup undelete \S+)/.exec(pruned) ?? []
  expect(await good(undo)).toContain('back again')
  const { name } = await newest()
  await good(`backup delete ${name} -y`)
  expect(readdirSync(at('backups'))).not.toContain('latest')
  await bad('backup restore --latest', 3)
  await good(`backup undelete ${name}`)
  expect((await newest()).name).toBe(name)
})

it('leaves alone what is no backup of its own', async () => {
  mkdirSync(at('backups/20200101_000000'))
  writeFileSync(at('backups/20200101_000000/backup_info.txt'), 'Backup criado em: ...\n')
  expect(await good('backup list')).toMatch(/20200101_000000 +- +unknown/)
  await bad('backup restore 20200101_000000', 9)
  await bad('backup delete 20200101_000000', 9)
  expect(await good('backup prune --keep-last 1 -y')).not.toContain('20200101_000000')
})

it('has a script of the same, for whoever calls it', async () => {
  await good('init --scripts')
  expect(await good('init --scripts')).toContain('there already')
  expect(statSync(at('scripts/db-lifecycle.sh')).mode & 0o111).toBe(0o111)
  const program = at('hayai')
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`, { mode: 0o755 })
  const script = (...args: readonly string[]): string =>
    execFileSync(at('scripts/db-lifecycle.sh'), args, {
      cwd: folder.path,
      encoding: 'utf8',
      env: { ...process.env, HAYAI: program },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  expect(script('backup')).toContain('backup of 2 databases')
  expect(script('status')).toContain('newest whole backup')
  sql('a', 'DELETE FROM t')
  expect(script('restore', `backups/${(await newest()).name}`)).toContain('restored 2 databases')
  expect(sql('a', 'SELECT count(*) FROM t')).toBe(2)
  expect(() => script('nothing')).toThrow()
  writeFileSync(at('scripts/db-lifecycle.sh'), 'mine')
  await bad('init --scripts', 4)
})
