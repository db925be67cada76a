// MariaDB: `sql` beside mariadb-dump, `tar` beside mariadb-backup, and the two restores beside each other.

import { existsSync } from 'node:fs'
import { mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { RestoreAnswer, SnapshotAnswer } from '../src/index.ts'
import { atMost, contest, limit, type Line } from './measure.ts'
import { timed, type Stage } from './stage.ts'

const NAME = 'maria'
const MEMORY = 150 // MiB

interface Login {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly database: string
}

export async function measureMariadb(
  stage: Stage,
  { bytes, runs }: { readonly bytes: number; readonly runs: number },
): Promise<readonly Line[]> {
  await stage.hayai('init', '-n', NAME, '-e', 'mariadb', '-y')
  await stage.plain('start', NAME)
  const { data } = await stage.hayai<Connection>('connect', NAME)
  const login: Login = {
    args: ['--no-defaults', '--skip-ssl', '--host=127.0.0.1', `--port=${data.port}`, `--user=${data.user}`],
    env: { MYSQL_PWD: data.password },
    database: data.database,
  }
  await fill(login, bytes)
  const out = join(stage.folder, 'out')
  const dumped = join(stage.folder, 'dump.sql')
  const copied = join(stage.folder, 'copied')
  const peaks = { snapshot: 0, restore: 0 }
  const snapshot = async (format: string) => {
    await timed('sync', [])
    const run = await stage.hayai<SnapshotAnswer>('snapshot', NAME, '--format', format, '-o', out)
    peaks.snapshot = Math.max(peaks.snapshot, run.peak)
    return run
  }
  const thrownAway = async (format: string): Promise<number> => {
    const { seconds } = await snapshot(format)
    await rm(out, { recursive: true })
    return seconds
  }
  const dump = async (): Promise<number> => {
    await timed('sync', [])
    return (
      await timed(program('mariadb-dump'), [...login.args, ...WHOLE, login.database], {
        env: login.env,
        into: dumped,
      })
    ).seconds
  }
  const backup = async (): Promise<number> => {
    await rm(copied, { recursive: true, force: true })
    await mkdir(copied)
    await timed('sync', [])
    const data = await dataFolder(stage, login)
    // As root the server knows its folder by a descriptor of its own; so must the tool.
    const command = `exec 3< "$DATA"; '${program('mariadb-backup')}' ${login.args.join(' ')} --backup --target-dir='${copied}' && '${program('mariadb-backup')}' --no-defaults --prepare --use-memory=256M --target-dir='${copied}'`
    return (await timed('sh', ['-c', `{ ${command}; } 2>/dev/null`], { env: { ...login.env, DATA: data } })).seconds
  }
  const lines = [
    await contest({
      what: 'snapshot of MariaDB | mariadb-dump > file',
      runs,
      target: undefined,
      hayai: () => thrownAway('sql'),
      other: dump,
    }),
    await contest({
      what: 'snapshot --format tar | mariadb-backup, --prepare',
      runs,
      target: undefined,
      hayai: () => thrownAway('tar'),
      other: backup,
    }),
    await contest({
      what: 'snapshot --format tar | snapshot of MariaDB',
      runs,
      target: undefined,
      hayai: () => thrownAway('tar'),
      other: () => thrownAway('sql'),
    }),
  ]
  const [sql, tar] = [(await snapshot('sql')).data.snapshot, (await snapshot('tar')).data.snapshot]
  const restore = async (path: string | undefined): Promise<number> => {
    const run = await stage.hayai<RestoreAnswer>('restore', path ?? '', '-y')
    peaks.restore = Math.max(peaks.restore, run.peak)
    return run.seconds
  }
  lines.push(
    await contest({
      what: 'restore of MariaDB | mariadb < file',
      runs,
      target: undefined,
      hayai: () => restore(sql?.path),
      other: async () => {
        await timed(program('mariadb'), [...login.args, '-e', 'DROP DATABASE IF EXISTS bench; CREATE DATABASE bench'], { env: login.env })
        const command = `'${program('mariadb')}' ${login.args.join(' ')} bench < '${dumped}'`
        const { seconds } = await timed('sh', ['-c', command], { env: login.env })
        await timed(program('mariadb'), [...login.args, '-e', 'DROP DATABASE bench'], { env: login.env })
        return seconds
      },
    }),
    await contest({
      what: 'restore from tar | restore from sql',
      runs,
      target: atMost(0.5),
      hayai: () => restore(tar?.path),
      other: () => restore(sql?.path),
    }),
    limit('memory of snapshot (MariaDB)', peaks.snapshot, MEMORY, 'MiB'),
    limit('memory of restore (MariaDB)', peaks.restore, MEMORY, 'MiB'),
  )
  console.log(`MariaDB: the sql is ${megabytes(sql)}, the tar ${megabytes(tar)}`)
  return lines
}

interface Connection {
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

const WHOLE = ['--single-transaction', '--quick', '--hex-blob', '--routines', '--events', '--triggers']

const program = (name: string): string =>
  ['/usr/bin', '/opt/homebrew/opt/mariadb/bin', '/usr/local/opt/mariadb/bin']
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path)) ?? name

const megabytes = (snapshot: SnapshotAnswer['snapshot'] | undefined): string => `${((snapshot?.bytes ?? 0) / 1e6).toFixed(0)} MB`

/** Where the server keeps its data, as this process sees it. */
async function dataFolder(stage: Stage, login: Login): Promise<string> {
  const { stdout } = await timed(program('mariadb'), [...login.args, '-N', '-e', 'SELECT @@datadir'], { env: login.env })
  const said = stdout.trim()
  if (!said.startsWith('/proc/')) return said
  const { data } = await stage.hayai<readonly { readonly name: string; readonly generation: string | null }[]>('list')
  const live = data.find(({ name }) => name === NAME)?.generation ?? ''
  const folder = join(stage.folder, '.hayai', 'data', NAME, live, 'server')
  await stat(folder)
  return folder
}

/** Rows as applications have them: about half a kilobyte each, with two indexes. */
async function fill({ args, env, database }: Login, bytes: number): Promise<void> {
  const rows = Math.round(bytes / 600)
  const step = 100_000
  const ask = (sql: string) => timed(program('mariadb'), [...args, database, '-e', sql], { env })
  await ask(
    `CREATE TABLE person (id int PRIMARY KEY, name varchar(100), mail varchar(100), born date, balance decimal(12, 2), note text, bytes varbinary(64), KEY (mail), KEY (born))`,
  )
  for (let from = 1; from <= rows; from += step) {
    await ask(
      `INSERT INTO person SELECT seq, CONCAT('Persön ', MD5(seq)), CONCAT(MD5(seq + 7), '@example.org'), '1950-01-01' + INTERVAL seq % 25000 DAY, seq % 100000 / 7,
         CONCAT(MD5(seq + 1), ' ', MD5(seq + 2), ' ', MD5(seq + 3), ' it''s ', MD5(seq + 4), ' ', MD5(seq + 5), MD5(seq + 6)), UNHEX(SHA2(seq, 512)) FROM seq_${from}_to_${Math.min(rows, from + step - 1)}`,
    )
  }
}
