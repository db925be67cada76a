// PostgreSQL: a database of the size asked for, then Hayai beside the stock tools of the same installation.

import { existsSync } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import type { Connection, RestoreAnswer, SnapshotAnswer } from '../src/index.ts'
import { contestBaseBackup } from './base-backup.ts'
import { atMost, contest, limit, type Line } from './measure.ts'
import { timed, type Stage } from './stage.ts'

const NAME = 'big'
const MEMORY = 150

interface Login {
  readonly uri: string
  /** How the stock tools are told of the place. */
  readonly env: Readonly<Record<string, string>>
}

interface Asked {
  readonly bytes: number
  readonly runs: number
}

export async function measurePostgresql(stage: Stage, { bytes, runs }: Asked): Promise<readonly Line[]> {
  const folder = await prepare(stage, bytes)
  return [...(await contestSql(stage, folder, runs)), ...(await contestTar(stage, folder, runs))]
}

/** The physical format alone. */
export async function measureBaseBackup(stage: Stage, { bytes, runs }: Asked): Promise<readonly Line[]> {
  return contestTar(stage, await prepare(stage, bytes), runs)
}

/** Makes and fills the database; gives the folder of the server's programs. */
async function prepare(stage: Stage, bytes: number): Promise<string> {
  await stage.hayai('init', '-n', NAME, '-e', 'postgresql', '-y')
  await stage.plain('start', NAME)
  const { uri } = await login(stage)
  const { size, version } = await fill(uri, bytes)
  console.log(`PostgreSQL ${version}: a database of ${(size / 1e9).toFixed(2)} GB`)
  return programs(version)
}

function contestTar(stage: Stage, folder: string, runs: number): Promise<readonly Line[]> {
  const env = async () => (await login(stage)).env
  return contestBaseBackup({ stage, name: NAME, runs, memory: MEMORY, program: join(folder, 'pg_basebackup'), env, settle })
}

async function contestSql(stage: Stage, folder: string, runs: number): Promise<readonly Line[]> {
  const peaks = { snapshot: 0, compressed: 0, restore: 0 }
  const out = join(stage.folder, 'out')
  const dumped = join(stage.folder, 'dump.sql')
  const lines: Line[] = []

  async function snapshot(...options: readonly string[]): Promise<number> {
    await settle()
    const run = await stage.hayai<SnapshotAnswer>('snapshot', NAME, '-o', out, ...options)
    const kind = options.length === 0 ? 'snapshot' : 'compressed'
    peaks[kind] = Math.max(peaks[kind], run.peak)
    await rm(out, { recursive: true })
    return run.seconds
  }

  lines.push(
    await contest({
      what: 'snapshot | pg_dump > file',
      runs,
      target: atMost(1.05),
      hayai: () => snapshot(),
      other: async () => {
        const { env } = await login(stage)
        await settle()
        return (await timed(join(folder, 'pg_dump'), [], { env, into: dumped })).seconds
      },
    }),
    // As safe as a snapshot is when it is said to be there.
    await contest({
      what: 'snapshot | pg_dump > file; sync file',
      runs,
      target: undefined,
      hayai: () => snapshot(),
      other: async () => {
        const { env } = await login(stage)
        await settle()
        return (await timed('bash', ['-ec', '"$0" > "$1"; sync "$1"', join(folder, 'pg_dump'), dumped], { env })).seconds
      },
    }),
    await contest({
      what: 'snapshot --compress | pg_dump | gzip > file',
      runs,
      target: atMost(0.65),
      hayai: () => snapshot('--compress'),
      other: async () => {
        const { env } = await login(stage)
        await settle()
        const run = await timed('bash', ['-c', 'set -o pipefail; "$0" | gzip', join(folder, 'pg_dump')], { env, into: `${dumped}.gz` })
        await rm(`${dumped}.gz`)
        return run.seconds
      },
    }),
  )

  const { data } = await stage.hayai<SnapshotAnswer>('snapshot', NAME)
  const id = data.snapshot?.id ?? ''
  lines.push(
    await contest({
      what: 'restore | createdb + psql -f',
      runs,
      target: atMost(1.15, 3),
      hayai: async () => {
        await settle()
        const run = await stage.hayai<RestoreAnswer>('restore', id, '-y')
        peaks.restore = Math.max(peaks.restore, run.peak)
        return run.seconds
      },
      other: async () => {
        const { env } = await login(stage)
        await settle()
        const made = await timed(join(folder, 'createdb'), ['bench_other'], { env })
        const loaded = await timed(join(folder, 'psql'), ['-X', '-q', '-d', 'bench_other', '-f', dumped], { env, into: '/dev/null' })
        await timed(join(folder, 'dropdb'), ['bench_other'], { env })
        return made.seconds + loaded.seconds
      },
    }),
    limit('peak memory of Hayai itself: snapshot', peaks.snapshot, MEMORY, 'MiB'),
    limit('peak memory of Hayai itself: snapshot --compress', peaks.compressed, MEMORY, 'MiB'),
    limit('peak memory of Hayai itself: restore', peaks.restore, MEMORY, 'MiB'),
  )
  const whole = (await stat(dumped)).size
  await settle()
  const copy = await timed('dd', [`if=${dumped}`, `of=${dumped}.copy`, 'bs=1M', 'conv=fdatasync', 'status=none'])
  await rm(`${dumped}.copy`)
  // No snapshot that is synced can be faster.
  console.log(
    `The dump is ${(whole / 1e9).toFixed(2)} GB of SQL, which the disk takes in ${copy.seconds.toFixed(2)} s (dd conv=fdatasync).`,
  )
  return lines
}

async function login(stage: Stage): Promise<Login> {
  const { data } = await stage.hayai<Omit<Connection, 'uri' | 'password'> & { readonly uri: string; readonly password: string }>(
    'connect',
    NAME,
  )
  const env = {
    PGHOST: data.host ?? '',
    PGPORT: String(data.port),
    PGUSER: data.user ?? '',
    PGDATABASE: data.database ?? '',
    PGPASSWORD: data.password,
  }
  return { uri: data.uri, env }
}

function programs(version: string): string {
  const major = version.split('.')[0] ?? ''
  const places = [`/usr/lib/postgresql/${major}/bin`, `/opt/homebrew/opt/postgresql@${major}/bin`, `/usr/local/opt/postgresql@${major}/bin`]
  const found = places.find((place) => existsSync(join(place, 'pg_dump')))
  if (found === undefined) throw new Error(`the programs of PostgreSQL ${major} are in none of ${places.join(', ')}`)
  return found
}

/** What was written before is on the disk, so that nobody pays for somebody else's pages. */
async function settle(): Promise<void> {
  await timed('sync', [])
}

const BATCH = 100_000

/** Accounts as pgbench makes them, and rows of text; half of the bytes each. */
export async function fill(uri: string, bytes: number): Promise<{ readonly size: number; readonly version: string }> {
  const client = new pg.Client({ connectionString: uri })
  await client.connect()
  try {
    await client.query('CREATE TABLE accounts (aid integer, bid integer NOT NULL, abalance integer NOT NULL, filler char(84) NOT NULL)')
    await client.query('CREATE TABLE notes (id integer, written timestamptz NOT NULL, author text NOT NULL, body text NOT NULL)')
    await grow(
      client,
      'accounts',
      bytes / 2,
      'SELECT n, n % 100, n * 7919 % 100000, md5(n::text) FROM generate_series($1::bigint, $2::bigint) n',
    )
    await grow(
      client,
      'notes',
      bytes / 2,
      `SELECT n, '2024-01-01Z'::timestamptz + n * interval '1 minute', 'author ' || n % 500,
         (SELECT string_agg((ARRAY['alpha', 'bravo', 'charlie', 'delta', 'echo', 'foxtrot', 'golf', 'hotel'])[1 + (n * w * 31 % 8)] || md5((n * w)::text), ' ')
          FROM generate_series(1, 12) w)
       FROM generate_series($1::bigint, $2::bigint) n`,
    )
    await client.query('ALTER TABLE accounts ADD PRIMARY KEY (aid)')
    await client.query('ALTER TABLE notes ADD PRIMARY KEY (id)')
    await client.query('CREATE INDEX ON notes (author)')
    await client.query('VACUUM ANALYZE')
    await client.query('CHECKPOINT')
    const { rows } = await client.query<{ size: string; version: string }>(
      "SELECT pg_database_size(current_database()) AS size, current_setting('server_version') AS version",
    )
    return { size: Number(rows[0]?.size), version: rows[0]?.version ?? '' }
  } finally {
    await client.end()
  }
}

async function grow(client: pg.Client, into: string, bytes: number, select: string): Promise<void> {
  for (let from = 1; ; from += BATCH) {
    await client.query(`INSERT INTO ${into} ${select}`, [from, from + BATCH - 1])
    const { rows } = await client.query<{ size: string }>(`SELECT pg_relation_size($1::regclass) AS size`, [into])
    if (Number(rows[0]?.size) >= bytes) return
  }
}
