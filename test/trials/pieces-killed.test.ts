// `kill -9` while single tables or keys are put in, and while they are taken back: all of the old is there or all of the new (of Redis
// each key), and nothing more happens once nobody waits for it; undo takes back what there is, nothing is left, and the next one works.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Connection, PiecesRequest } from '../../src/index.ts'
import { program } from '../engines/mariadb-server.ts'
import { pg, postgresql, sqlite, type Actor } from './cast.ts'
import { duckdb } from './duckdb.ts'
import { mariadb } from './mariadb.ts'
import { redis } from './redis.ts'
import { serversOf, stage } from './stage.ts'
import { bundled } from '../programs.ts'

const tables = (rows: string): string => `
  CREATE TABLE users (id integer PRIMARY KEY, name varchar(60)); INSERT INTO users SELECT i, 'user' FROM ${rows};
  CREATE TABLE orders (id integer PRIMARY KEY, buyer integer); INSERT INTO orders SELECT i, i FROM ${rows};
  CREATE TABLE kept (id integer); INSERT INTO kept VALUES (7)`

const TABLES = {
  noun: 'table',
  pieces: [{ name: 'users' }, { name: 'orders', as: 'orders_old' }],
  spoil: `UPDATE users SET name = 'wrong'; DELETE FROM users WHERE id > 400; DELETE FROM orders WHERE id = 3`,
}

interface Case extends Pick<PiecesRequest, 'noun' | 'pieces'> {
  readonly actor: Actor
  readonly fill: string
  readonly spoil: string
  /** Somebody who is at work on the table that shall go, and stops to be with what is given. */
  readonly hold?: (connection: Connection) => Promise<() => Promise<void>>
  /** How many wait for a lock; how many clients there are. */
  readonly waiting?: string
  readonly clients?: string
  /** Tells what there is; else the actor's dump does. */
  readonly look?: string
  /** Makes what a command leaves that is killed while it fills a table; and shows it. */
  readonly left?: readonly [string, string]
}

const cases: readonly Case[] = [
  {
    actor: postgresql,
    ...TABLES,
    fill: tables('generate_series(1, 500) s (i)'),
    hold: ({ host, port, user, password, database }) =>
      client(pg('psql'), ['-XAtq', '-d', `host=${host} port=${port} user=${user} dbname=${database}`], {
        PGPASSWORD: password?.reveal() ?? '',
      }),
    waiting: `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'`,
    clients: `SELECT count(*) - 1 FROM pg_stat_activity WHERE backend_type = 'client backend'`,
  },
  {
    actor: mariadb,
    ...TABLES,
    fill: tables('(SELECT seq AS i FROM seq_1_to_500) s'),
    hold: ({ port, user, password, database }) =>
      client(
        program('mariadb'),
        ['--no-defaults', '--skip-ssl', '-nN', '-h', '127.0.0.1', '-P', String(port), '-u', String(user), String(database)],
        { MYSQL_PWD: password?.reveal() ?? '' },
      ),
    waiting: `SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE LIKE 'Waiting for table metadata lock%'`,
    clients: `SELECT COUNT(*) - 1 FROM information_schema.PROCESSLIST WHERE USER = SUBSTRING_INDEX(CURRENT_USER(), '@', 1)`,
    look: 'CHECKSUM TABLE users, orders, orders_old, kept',
    left: ['CREATE TABLE hayai_0123456789ab (id int)', `SHOW TABLES LIKE 'hayai%'`],
  },
  {
    actor: sqlite,
    ...TABLES,
    fill: tables('(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) SELECT i FROM n)'),
    hold({ file }) {
      const db = new DatabaseSync(String(file))
      db.exec('BEGIN IMMEDIATE')
      return Promise.resolve(() => Promise.resolve(db.close()))
    },
  },
  { actor: duckdb, ...TABLES, fill: tables('range(1, 20001) s (i)') },
  {
    actor: redis,
    noun: 'key',
    pieces: [{ name: 'session:*' }],
    fill: Array.from({ length: 6000 }, (_, n) => `SET session:${n} "user ${n}"`).join('\n') + '\nSET kept 1',
    spoil: Array.from({ length: 3000 }, (_, n) => `SET session:${n} wrong`).join('\n') + '\nDEL session:5000',
  },
]

describe.concurrent.each(cases)('$actor.engine, killed', ({ actor, fill, spoil, hold, waiting, clients, look, left, noun, pieces }) => {
  if (actor.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${actor.missing}`, () => {})

  it('has the old or the new, and undo and the next one work', { timeout: 300_000 }, async () => {
    const scene = await stage()
    const { project, root } = scene
    const run = (statements: string): Promise<string> => actor.run(project, 'shop', statements)
    const state = async (): Promise<string> =>
      (look === undefined ? await actor.dump(project, 'shop') : await run(look)).split('\n').toSorted().join('\n')
    const receipts = (): readonly string[] => below(join(root, '.hayai', 'pieces')).filter((path) => path.endsWith('.receipt'))

    /** Kills the command when it waits for somebody, or is at work; what is there when all that it started has ended. */
    const killed = async (verb: 'restore' | 'undo', request: string): Promise<string> => {
      const before = receipts().length
      const letGo = await hold?.(await project.connect('shop'))
      const child = spawn(process.execPath, [bundled('test/trials/doomed-pieces.ts'), root, verb, request], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let said = ''
      child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
      const ended = once(child, 'close')
      const due = async (): Promise<boolean> => {
        if (waiting !== undefined) return Number(await run(waiting)) > 0
        return verb === 'restore' ? receipts().length > before : said.includes('taking back')
      }
      while (!(await due()) && child.exitCode === null) await sleep(5)
      const started = childrenOf(child.pid ?? 0).filter((pid) => !SERVERS.has(told(`/proc/${pid}/comm`)))
      child.kill('SIGKILL')
      expect([...((await ended) as unknown[]), said.includes('survived')]).toEqual([null, 'SIGKILL', false])
      await letGo?.()
      while (started.some((pid) => existsSync(`/proc/${pid}`))) await sleep(20)
      while (clients !== undefined && Number(await run(clients)) > 0) await sleep(20)
      return state()
    }

    try {
      await project.init({ name: 'shop', engine: actor.engine })
      await project.start(['shop'])
      await run(fill)
      const reference = (await project.snapshot({ database: 'shop' })).snapshot?.id ?? ''
      await run(spoil)
      const request: PiecesRequest = { reference, noun, pieces, replace: true }
      const old = await state()
      const afterRestore = await killed('restore', JSON.stringify(request))
      if (left !== undefined) await run(left[0])
      await project.undo('shop')
      expect(await state()).toBe(old)
      await project.restorePieces(request)
      const fresh = await state()
      expect(fresh).not.toBe(old)
      const afterUndo = await killed('undo', 'shop')
      await project.undo('shop')
      expect(await state()).toBe(old)
      const known = new Set([...old.split('\n'), ...fresh.split('\n')])
      for (const each of [afterRestore, afterUndo]) {
        if (noun === 'key') expect(each.split('\n').filter((line) => !known.has(line))).toEqual([])
        else expect([old, fresh]).toContain(each)
      }
      if (hold !== undefined && actor !== mariadb) expect([afterRestore, afterUndo]).toEqual([old, fresh])
      if (left !== undefined) expect(await run(left[1])).toBe('')
      expect(await serversOf(root)).toHaveLength(actor.servers)
      expect(readdirSync(join(root, '.hayai', 'trials'))).toEqual([])
      expect(receipts()).toHaveLength(1)
      expect(below(root).filter((path) => path.endsWith('.partial'))).toEqual([])
    } finally {
      await scene.close()
    }
  })
})

/** A client that has read from the table, in a transaction that goes on until it is told to leave. */
async function client(file: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<() => Promise<void>> {
  const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.write('BEGIN;\nSELECT id FROM users LIMIT 1;\n')
  await once(child.stdout, 'data')
  return async () => {
    child.stdin.end()
    await once(child, 'close')
  }
}

const SERVERS = new Set(['postgres', 'mariadbd', 'redis-server'])

/** Nothing of a process that has ended meanwhile. */
function told(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}

function childrenOf(pid: number): readonly number[] {
  const children = told(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number)
  return [...children, ...children.flatMap(childrenOf)]
}

function below(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : []
}
