// A real server for tests, run by the native runtime as a project's own database is, in a folder that goes with it.

import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bytes } from '../../src/base/bytes.ts'
import { freePort } from '../../src/base/ports.ts'
import { end, identify } from '../../src/base/processes.ts'
import { Secret } from '../../src/base/secret.ts'
import type { Engine, Format, Outlined, Survey } from '../../src/engines/engine.ts'
import { redis } from '../../src/engines/redis.ts'
import { nativeRuntime, type NativeOptions } from '../../src/runtimes/native.ts'
import { inProject } from '../runtimes/placement.ts'
import type { Placement, Site } from '../../src/runtimes/runtime.ts'

export const noServer = !['redis-server', 'redis-cli'].every(onPath) && process.env['CI'] === undefined
export const noValkey = !['valkey-server', 'valkey-cli'].every(onPath)
export const never = new AbortController().signal
export const PASSWORD = `it's "a" pass:word\\ é`

export function onPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, program)))
}

export interface Standing {
  readonly engine: Engine
  readonly placement: Placement
  readonly site: Site
  /** What the stock client says to a command. */
  cli(...words: readonly string[]): string
  /** Commands, one a line, in the client's own notation ("\x00"). */
  tell(lines: string): void
  /** All that is in it, as text. */
  everything(): string
  /** The same database with other settings, as after a change of `.hayaidb`. */
  with(environment: Readonly<Record<string, string>>, changes?: Partial<NativeOptions>): Standing
  /** What a snapshot of it is. */
  dumped(format?: string): Promise<{ readonly bytes: Buffer; readonly facts: Outlined }>
  /** Fills a twin from the bytes, and hands it to `work` awake; swaps it in afterwards. */
  restored(bytes: Uint8Array, work?: (facts: Survey) => void | Promise<void>, format?: string): Promise<void>
  /** Ends the server as a power cut would. */
  kill(): Promise<void>
  /** The number of the server's own process. */
  pid(): Promise<number>
}

export interface Making {
  readonly environment?: Readonly<Record<string, string>>
  readonly engine?: Engine
  readonly options?: NativeOptions
}

const standing: Standing[] = []

/** A running one. */
export async function start({ environment = {}, engine = redis, options = {} }: Making = {}): Promise<Standing> {
  const root = await mkdtemp(join(tmpdir(), 'hayai-redis-'))
  const made = standingAt(root, await freePort(), engine, environment, options)
  standing.push(made)
  await made.site.create()
  await made.site.start(never)
  return made
}

/** To be called after each test. */
export async function endAll(): Promise<void> {
  for (const each of standing.splice(0)) {
    if (existsSync(join(each.placement.runDir, 'server.json'))) await each.kill()
    await rm(join(each.placement.dataDir, '..', '..', '..'), { recursive: true, force: true })
  }
}

export function formatOf(engine: Engine, name = 'rdb'): Format {
  const format = engine.formats.find((each) => each.name === name)
  if (format === undefined) throw new Error(`no format ${name}`)
  return format
}

function standingAt(
  root: string,
  port: number,
  engine: Engine,
  environment: Readonly<Record<string, string>>,
  options: NativeOptions,
): Standing {
  const settings = engine.settings(environment, new Secret(PASSWORD))
  const folder = (name: string): string => join(root, '.hayai', name, 'cache')
  const placement: Placement = {
    id: 'id',
    name: 'cache',
    version: undefined,
    port,
    file: undefined,
    settings,
    dataDir: folder('data'),
    runDir: folder('run'),
    logFile: `${folder('logs')}.log`,
    ...inProject(root),
  }
  const site = nativeRuntime(options).site(placement, engine)
  const client = `${engine.name}-cli`
  const env = { ...process.env, REDISCLI_AUTH: settings.password.reveal() }
  const call = (args: readonly string[], input = ''): string =>
    execFileSync(client, ['-p', String(port), ...args], {
      env,
      input,
      encoding: 'latin1',
      stdio: ['pipe', 'pipe', 'pipe'],
      maxBuffer: 2 ** 30,
    })
  const pid = async (): Promise<number> => {
    const record: unknown = JSON.parse(await readFile(join(placement.runDir, 'server.json'), 'utf8'))
    return (record as { process: { pid: number } }).process.pid
  }
  return {
    engine,
    placement,
    site,
    cli: (...words) => call(['-e', ...words]).trim(),
    tell(lines) {
      const answers = call([], `${lines.trim()}\n`)
      if (/^(?:ERR|WRONGTYPE|\(error\))/m.test(answers)) throw new Error(answers)
    },
    everything: () =>
      call(['-e', '--eval', join(import.meta.dirname, 'redis-everything.lua'), ',', '16']) + call(['-e', 'FUNCTION', 'LIST', 'WITHCODE']),
    with: (next, changes = {}) => standingAt(root, port, engine, next, { ...options, ...changes }),
    async dumped(name) {
      const format = formatOf(engine, name)
      const target = await site.open()
      const dump = await engine.dump(target, format, never)
      try {
        const bytes = await collect(engine.check(format, dump.bytes))
        return { bytes, facts: await dump.facts() }
      } finally {
        await dump.close()
        await target.close()
      }
    },
    async restored(bytes, work = () => {}, name) {
      const format = formatOf(engine, name)
      const twin = await site.twin()
      try {
        const asleep = await twin.target()
        await engine.load(asleep, format, engine.check(format, inPieces(bytes, 65_536)), never)
        await asleep.close()
        await twin.wake(never)
        const awake = await twin.target()
        await work(await engine.survey(awake, 'rows', never))
        await awake.close()
        await twin.swap('restored')
      } finally {
        await twin.close()
      }
    },
    async kill() {
      const id = identify(await pid())
      if (id !== undefined && !(await end(id, 'SIGKILL', 10_000))) throw new Error('it does not die')
    },
    pid,
  }
}

export async function collect(bytes: Bytes): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of bytes) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export async function* inPieces(bytes: Uint8Array, size: number): Bytes {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** Every type and every way in which a value is packed, in three dbs, with names and values of every byte. */
export function fillRichly({ tell, cli }: Standing): void {
  const bytes = Array.from({ length: 256 }, (_, byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
  const many = (count: number, write: (n: number) => string): string => Array.from({ length: count }, (_, n) => write(n)).join(' ')
  tell(`
    SET number 12345
    SET negative -70000
    SET large 12345678901234567890
    SET text "plain"
    SET empty ""
    SET "" "the empty name"
    SET "${bytes}" "${bytes}"
    SET compressible "${'abc'.repeat(5000)}"
    SET passing soon PX 3600000
    SETBIT bits 100001 1
    PFADD hyperloglog ${many(500, (n) => `e${n}`)}
    RPUSH shortlist a 1 -5000000000 "${bytes}"
    RPUSH longlist ${many(3000, (n) => `"item ${n} ${'x'.repeat(n % 50)}"`)}
    RPUSH giants "${'G'.repeat(20_000)}" small "${'H'.repeat(20_000)}"
    SADD integers ${many(100, String)}
    SADD words ${many(20, (n) => `word${n}`)}
    SADD bigset ${many(2000, (n) => `member:${n}`)}
    ZADD small 1 a 2.5 b -inf c inf d 1e-300 e
    ZADD bigzset ${many(1000, (n) => `${n / 7} member:${n}`)}
    HSET card id 1 name "Ren\\xc3\\xa9" note "${'n'.repeat(60)}"
    HSET bighash ${many(1000, (n) => `field:${n} "${'v'.repeat(n % 90)}"`)}
    HSET widehash one "${'w'.repeat(500)}"
    GEOADD places 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
    XADD events 1-1 kind start n 1
    XADD events 1-2 kind middle n 2
    XADD events 5-0 kind end other field
    XADD events 6-0 gone soon
    XDEL events 6-0
    XGROUP CREATE events readers 0
    XGROUP CREATE events others 1-2
    XGROUP CREATE emptystream nobody $ MKSTREAM
    XREADGROUP GROUP readers alice COUNT 2 STREAMS events >
    XREADGROUP GROUP readers bob COUNT 1 STREAMS events >
    XACK events readers 1-1
    EXPIRE bighash 100000
    SELECT 3
    SET third db
    HSET with:ttl a 1
    EXPIREAT with:ttl 4102444800
    SELECT 15
    SADD last one
  `)
  for (let n = 0; n < 40; n += 1) tell(`XADD longstream ${n + 1}-0 ${many(100, (i) => `f${i} ${n * i}`)}`)
  cli('FUNCTION', 'LOAD', "#!lua name=mylib\nredis.register_function('twice', function(keys, args) return args[1] * 2 end)")
}
