// Redis: snapshot beside `redis-cli --rdb`, restore beside a bare server that reads the same file.

import { spawn } from 'node:child_process'
import { copyFile, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RestoreAnswer, SnapshotAnswer } from '../src/index.ts'
import { freePort } from '../src/base/ports.ts'
import { contest, limit, type Line } from './measure.ts'
import { timed, type Stage } from './stage.ts'

const NAME = 'cache'
const MEMORY = 150 // MiB

export async function measureRedis(
  stage: Stage,
  { bytes, runs }: { readonly bytes: number; readonly runs: number },
): Promise<readonly Line[]> {
  await stage.hayai('init', '-n', NAME, '-e', 'redis', '-y')
  await stage.hayai('start', NAME)
  const { data } = await stage.hayai<{ readonly port: number; readonly password: string }>('connect', NAME)
  const login = { port: String(data.port), env: { REDISCLI_AUTH: data.password } }
  await fill(login, bytes)
  const out = join(stage.folder, 'out')
  const file = join(stage.folder, 'by-cli.rdb')
  const peaks = { snapshot: 0, restore: 0 }
  const snapshot = async (...more: readonly string[]) => {
    await timed('sync', [])
    const run = await stage.hayai<SnapshotAnswer>('snapshot', NAME, '-o', out, ...more)
    peaks.snapshot = Math.max(peaks.snapshot, run.peak)
    return run
  }
  const lines = [
    await contest({
      what: 'snapshot of Redis | redis-cli --rdb',
      runs,
      target: undefined,
      hayai: async () => {
        const { seconds } = await snapshot()
        await rm(out, { recursive: true })
        return seconds
      },
      other: async () => {
        await timed('sync', [])
        const { seconds } = await timed('redis-cli', ['-p', login.port, '--rdb', file], login)
        return seconds
      },
    }),
  ]
  const { data: kept } = await snapshot()
  lines.push(
    await contest({
      what: 'restore of Redis | redis-server that reads the file',
      runs,
      target: undefined,
      hayai: async () => {
        const run = await stage.hayai<RestoreAnswer>('restore', kept.snapshot?.path ?? '', '-y')
        peaks.restore = Math.max(peaks.restore, run.peak)
        return run.seconds
      },
      other: () => bareStart(stage, file),
    }),
    limit('memory of snapshot (Redis)', peaks.snapshot, MEMORY, 'MiB'),
    limit('memory of restore (Redis)', peaks.restore, MEMORY, 'MiB'),
  )
  return lines
}

/** Seconds until a server answers that was given a copy of the file. */
async function bareStart(stage: Stage, file: string): Promise<number> {
  const folder = join(stage.folder, 'bare')
  const port = String(await freePort())
  const began = performance.now()
  await mkdir(folder)
  await copyFile(file, join(folder, 'dump.rdb'))
  const server = spawn('redis-server', ['--bind', '127.0.0.1', '--port', port, '--dir', folder, '--save', ''], { stdio: 'ignore' })
  try {
    for (;;) {
      const asked = spawn('redis-cli', ['-e', '-p', port, 'DBSIZE'], { stdio: 'ignore' })
      if ((await new Promise<number | null>((resolve) => asked.once('close', resolve))) === 0) return (performance.now() - began) / 1000
      await sleep(20)
    }
  } finally {
    server.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  }
}

interface Login {
  readonly port: string
  readonly env: Readonly<Record<string, string>>
}

/** Hashes, strings and lists as applications have them: about a kilobyte for each turn of the loop. */
export async function fill({ port, env }: Login, bytes: number): Promise<void> {
  const script = `
    for n = tonumber(ARGV[1]), tonumber(ARGV[2]) do
      redis.call('SET', 'session:' .. n, string.format('{"user":%d,"token":"%s"}', n, redis.sha1hex(n)), 'EX', 100000 + n)
      redis.call('HSET', 'user:' .. n, 'id', n, 'name', 'User ' .. n, 'mail', 'user' .. n .. '@example.org', 'hash', redis.sha1hex(n .. 'h'))
      local text = {}
      for i = 1, 14 do text[i] = redis.sha1hex(n .. ':' .. i) end
      redis.call('SET', 'page:' .. n, table.concat(text))
      redis.call('ZADD', 'scores', n % 1000, n)
    end`
  const rows = Math.round(bytes / 1000)
  const step = 20_000
  for (let from = 1; from <= rows; from += step) {
    await timed('redis-cli', ['-e', '-p', port, 'EVAL', script, '0', String(from), String(Math.min(rows, from + step - 1))], { env })
  }
}
