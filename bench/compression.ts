// Codecs and levels on one real dump of PostgreSQL, beside the stock programs, and what a snapshot is in each format: the tables of
// docs/COMPRESSION.md. `npm run bench -- --only compression --size 300MB`. It chooses nothing and misses no target.

import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { engines, type Connection, type RestoreAnswer, type SnapshotAnswer } from '../src/index.ts'
import type { Bytes } from '../src/base/bytes.ts'
import { decrypt, encrypt, newIdentity } from '../src/snapshots/age.ts'
import { compress, parseCompression } from '../src/snapshots/codecs.ts'
import { decompress } from '../src/snapshots/decompress.ts'
import { folderStore } from '../src/stores/folder.ts'
import { timed, type Stage } from './stage.ts'

const NAME = 'orders'
const SPECS = ['gzip:1', 'gzip:3', 'gzip:4', 'gzip:5', 'gzip:6', 'gzip:9', 'zstd:1', 'zstd:2', 'zstd:3', 'zstd:5', 'zstd:9', 'zstd:12']
const PROGRAMS = ['gzip -1', 'gzip -6', 'pigz -1', 'pigz -6', 'zstd -1', 'zstd -3', 'zstd -3 -T0', 'zstd -9 -T0']

export async function measureCompression(stage: Stage, { bytes, runs }: { readonly bytes: number; readonly runs: number }): Promise<void> {
  await stage.hayai('init', '-n', NAME, '-e', 'postgresql', '-y')
  await stage.plain('start', NAME)
  const { data: login } = await stage.hayai<Omit<Connection, 'uri'> & { readonly uri: string }>('connect', NAME)
  await fill(login.uri, bytes)
  const { data } = await stage.hayai<SnapshotAnswer>('snapshot', NAME)
  const dump = data.snapshot?.path ?? ''
  const plain = (await stat(dump)).size
  console.log(
    `A dump of ${(plain / 1e6).toFixed(0)} MB. MB of plain bytes for each second of CPU time, all threads together; medians of ${runs}.\n`,
  )

  console.log('| | size, of plain | compress, MB a CPU second | unpack, MB a CPU second |\n|---|---|---|---|')
  for (const spec of SPECS) console.log(row(`\`${spec}\``, plain, await ours(stage, dump, spec, runs)))
  for (const spec of ['none', 'gzip:5', 'zstd:3'])
    console.log(row(`\`${spec}\`, encrypted`, plain, await ours(stage, dump, spec, runs, true)))
  for (const line of PROGRAMS) {
    const measured = await theirs(stage, dump, line, runs)
    console.log(measured === undefined ? `| ${line} | (not on this machine) | | |` : row(`stock \`${line}\``, plain, measured))
  }

  console.log('\n| format | size, of SQL | snapshot | restore |\n|---|---|---|---|')
  const formats = engines().find(({ name }) => name === 'postgresql')?.formats ?? []
  for (const format of formats) {
    for (const compression of ['none', 'gzip', 'zstd']) {
      const taken = await repeated(runs, () =>
        stage.hayai<SnapshotAnswer>('snapshot', NAME, '--format', format, '--compression', compression),
      )
      const last = taken.runs.at(-1)?.data.snapshot
      const restored = await repeated(1, () => stage.hayai<RestoreAnswer>('restore', last?.id ?? '', '-y'))
      const part = `${(((last?.bytes ?? 0) / plain) * 100).toFixed(1)} %`
      console.log(
        `| ${format}${compression === 'none' ? '' : ` + ${compression}`} | ${part} | ${taken.seconds.toFixed(1)} s | ${restored.seconds.toFixed(1)} s |`,
      )
    }
  }
}

interface Measured {
  readonly size: number
  readonly packing: number
  readonly unpacking: number
}

function row(name: string, plain: number, { size, packing, unpacking }: Measured): string {
  const rate = (seconds: number): string => (plain / 1e6 / seconds).toFixed(0)
  return `| ${name} | ${((size / plain) * 100).toFixed(1)} % | ${rate(packing)} | ${rate(unpacking)} |`
}

/** As a snapshot is written and read, but for the database. */
async function ours({ folder }: Stage, dump: string, spec: string, runs: number, encrypted = false): Promise<Measured> {
  const store = folderStore(folder)
  const { identity, recipient } = await newIdentity()
  const sealed = (bytes: Bytes): Bytes => (encrypted ? encrypt(bytes, [recipient]) : bytes)
  const opened = (bytes: Bytes): Bytes => (encrypted ? decrypt(bytes, [identity], true) : bytes)
  const packing: number[] = []
  const unpacking: number[] = []
  for (let run = 0; run < runs; run++) {
    packing.push(await clocked(() => store.put('packed', sealed(compress(source(dump), parseCompression(spec))), { ifAbsent: false })))
    unpacking.push(await clocked(() => drain(decompress(opened(store.get('packed'))))))
  }
  const { bytes } = await store.stat('packed')
  return { size: bytes, packing: median(packing), unpacking: median(unpacking) }
}

async function theirs({ folder }: Stage, dump: string, line: string, runs: number): Promise<Measured | undefined> {
  const [program = '', ...args] = line.split(' ')
  if ((await timed('sh', ['-c', `command -v ${program} || true`])).stdout === '') return undefined
  const packed = join(folder, 'stock')
  const packing: number[] = []
  const unpacking: number[] = []
  for (let run = 0; run < runs; run++) {
    packing.push(await clockedLine(`${program} ${args.join(' ')} -c`, dump, packed))
    unpacking.push(await clockedLine(`${program} -dc`, packed, '/dev/null'))
  }
  return { size: (await stat(packed)).size, packing: median(packing), unpacking: median(unpacking) }
}

async function* source(file: string): Bytes {
  for await (const chunk of createReadStream(file, { highWaterMark: 64 * 1024 })) yield chunk as Uint8Array
}

async function drain(bytes: Bytes): Promise<void> {
  for await (const _ of bytes);
}

/** Seconds of CPU time, which other work on the machine changes little. */
async function clocked(work: () => Promise<void>): Promise<number> {
  const began = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(began)
  return (user + system) / 1e6
}

/** The same of a shell line and all that it runs. */
async function clockedLine(line: string, file: string, into: string): Promise<number> {
  const script = 'TIMEFORMAT="%U %S"; { time eval "$0" <"$1" >"$2"; } 2>&1'
  const { stdout } = await timed('bash', ['-c', script, line, file, into])
  const [user = 0, system = 0] = stdout.trim().split(' ').map(Number)
  return user + system
}

async function repeated<T extends { readonly seconds: number }>(runs: number, work: () => Promise<T>) {
  const done: T[] = []
  for (let run = 0; run < runs; run++) done.push(await work())
  return { runs: done, seconds: median(done.map(({ seconds }) => seconds)) }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
}

const WORDS =
  'the order was shipped to customer with invoice number and payment received on account please contact support about delayed delivery of item in warehouse return refund status pending approved cancelled address street city country phone email note urgent review discount price tax total quantity'

/** A shop as shops are: people, orders with prices and times, and a log of events in JSON, in equal parts of the bytes. */
async function fill(uri: string, bytes: number): Promise<void> {
  const client = new pg.Client({ connectionString: uri })
  await client.connect()
  try {
    await client.query(`
      CREATE TABLE words AS SELECT w, row_number() OVER () - 1 n FROM regexp_split_to_table('${WORDS}', ' ') w;
      CREATE FUNCTION pick(seed bigint) RETURNS text LANGUAGE sql STABLE AS $$ SELECT w FROM words WHERE n = abs(hashint8(seed)) % 46 $$;
      CREATE TABLE texts AS SELECT t, string_agg(pick(t * 100 + i), ' ') body FROM generate_series(1, 3000) t, generate_series(1, 8 + (t % 17)) i GROUP BY t;
      CREATE TABLE people (id bigint PRIMARY KEY, name text, email text, phone text, born date, note text);
      CREATE TABLE orders (id bigint PRIMARY KEY, person bigint, placed timestamptz, total numeric(10, 2), status text, lines int);
      CREATE TABLE events (id uuid PRIMARY KEY, at timestamptz, kind text, body jsonb)`)
    await grow(
      client,
      'people',
      bytes / 3,
      `SELECT n, initcap(pick(n)) || ' ' || initcap(pick(n * 7)), pick(n) || n || '@' || pick(n * 3) || '.example',
      '+49 ' || (random() * 1e9)::bigint, date '1950-01-01' + (random() * 20000)::int, body FROM generate_series($1::bigint, $2::bigint) n JOIN texts ON t = n % 3000 + 1`,
    )
    await grow(
      client,
      'orders',
      bytes / 3,
      `SELECT n, (random() * 1e6)::bigint, timestamptz '2024-01-01Z' + n * interval '17 seconds' + random() * interval '15 seconds',
      (random() * 500)::numeric(10, 2), (ARRAY['paid', 'open', 'shipped', 'cancelled'])[1 + (random() * 3)::int], 1 + (random() * 9)::int FROM generate_series($1::bigint, $2::bigint) n`,
    )
    await grow(
      client,
      'events',
      bytes / 3,
      `SELECT gen_random_uuid(), timestamptz '2024-01-01Z' + n * interval '3 seconds', pick(n),
      jsonb_build_object('user', (random() * 1e6)::int, 'path', '/' || pick(n) || '/' || pick(n * 5), 'ms', (random() * 900)::int, 'agent', 'Mozilla/5.0', 'ok', random() < 0.98)
      FROM generate_series($1::bigint, $2::bigint) n`,
    )
    await client.query('DROP TABLE texts')
    await client.query('VACUUM ANALYZE')
  } finally {
    await client.end()
  }
}

const BATCH = 50_000

async function grow(client: pg.Client, into: string, bytes: number, select: string): Promise<void> {
  for (let from = 1; ; from += BATCH) {
    await client.query(`INSERT INTO ${into} ${select}`, [from, from + BATCH - 1])
    const { rows } = await client.query<{ size: string }>(`SELECT pg_relation_size($1::regclass) AS size`, [into])
    if (Number(rows[0]?.size) >= bytes) return
  }
}
