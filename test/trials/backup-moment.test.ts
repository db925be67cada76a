// One moment: while amounts are moved from one engine's ledger to another's, a backup is made. Each ledger in it is as it was at some
// instant between the moment that the backup names and the one that it names for that database: all that was acknowledged before the
// former is there, and nothing that was begun after the latter.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import { createConnection } from 'mysql2/promise'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BackupAnswer } from '../../src/index.ts'
import { PROGRAM, run } from '../cli/terminal.ts'
import { duckdb } from './duckdb.ts'
import { mariadb } from './mariadb.ts'
import { postgresql, sqlite } from './cast.ts'
import { redis } from './redis.ts'
import { stage, type Stage } from './stage.ts'

interface Ledger {
  readonly name: string
  write(move: number): Promise<unknown>
  moves(): Promise<readonly number[]>
  close(): Promise<unknown>
}

interface Written {
  readonly move: number
  readonly began: number
  readonly acked: number
}

const missing = [postgresql, mariadb, redis, sqlite, duckdb].map((actor) => actor.missing).find((each) => each !== undefined)

describe.runIf(missing === undefined || process.env['CI'] !== undefined)('a backup while amounts are moved', () => {
  let scene: Stage
  const names = ['facts', 'maria', 'notes', 'post', 'red']
  beforeAll(async () => {
    scene = await stage()
    for (const [name, engine] of [
      ['post', 'postgresql'],
      ['maria', 'mariadb'],
      ['red', 'redis'],
      ['notes', 'sqlite'],
      ['facts', 'duckdb'],
    ] as const)
      await scene.project.init({ name, engine })
    await scene.project.start([])
  })
  afterAll(() => scene.close())

  it('holds each ledger at one moment', async () => {
    const written = new Map(names.map((name) => [name, [] as Written[]]))
    let ledgers = await openAll(scene, true)
    const stop = new AbortController()
    const begun = performance.now()
    const writing = write(ledgers, written, stop.signal)
    await sleep(500)
    const args = [PROGRAM, 'backup', '--json']
    const outcomes = [await run(process.execPath, args, { cwd: scene.root }), await run(process.execPath, args, { cwd: scene.root })]
    await sleep(200)
    stop.abort()
    await writing
    const seconds = (performance.now() - begun) / 1000
    for (const ledger of ledgers) await ledger.close()

    for (const { status, stdout, stderr } of outcomes) {
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      const { backup } = (JSON.parse(stdout) as { data: BackupAnswer }).data
      if (backup === null) throw new Error('no backup')
      await scene.project.restoreBackup({ reference: backup.name })
      ledgers = await openAll(scene, false)
      const from = Date.parse(backup.created ?? '')
      for (const ledger of ledgers) {
        const all = written.get(ledger.name) ?? []
        const until = Date.parse(backup.databases.find(({ database }) => database === ledger.name)?.instant ?? '')
        const held = new Set(await ledger.moves())
        await ledger.close()
        expect(until - from).toBeLessThanOrEqual(backup.distance)
        expect(held.size).toBeGreaterThan(0)
        expect(held.size).toBeLessThan(all.length)
        expect({ ledger: ledger.name, lost: all.filter(({ move, acked }) => acked < from && !held.has(move)) }).toEqual({
          ledger: ledger.name,
          lost: [],
        })
        expect({ ledger: ledger.name, early: all.filter(({ move, began }) => began > until && held.has(move)) }).toEqual({
          ledger: ledger.name,
          early: [],
        })
      }
      const moves = new Set([...written.values()].flat().map(({ move }) => move)).size
      const instants = backup.databases.map(
        ({ database, instant, blocked }) => `${database} ${Date.parse(instant) - from} ms after the first, ${blocked ?? 0} ms held`,
      )
      console.log(`${(moves / seconds).toFixed(0)} moves a second; ${backup.distance} ms apart: ${instants.join('; ')}`)
    }
  }, 180_000)

  it('stops nobody while it waits for a file that somebody else has open', async () => {
    const { file } = await scene.project.connect('facts')
    const [red, maria] = [await openRedis(scene), await openMaria(scene, false)]
    const other = await opened(file ?? '')
    const making = scene.project.backup({})
    await sleep(4000) // all others are long ready
    for (let move = -1; move > -100; move--) await Promise.all([red.write(move), maria.write(move)])
    other.closeSync()
    const { backup } = await making
    for (const ledger of [red, maria]) await ledger.close()
    await scene.project.restoreBackup({ reference: backup?.name ?? '', databases: ['red', 'maria'] })
    for (const ledger of [await openRedis(scene), await openMaria(scene, false)]) {
      expect(await ledger.moves()).toContain(-99)
      await ledger.close()
    }
  }, 180_000)
})

/** A hundred moves a second, whatever one of the ledgers waits for. Each takes them in their order. */
async function write(ledgers: readonly Ledger[], written: ReadonlyMap<string, Written[]>, signal: AbortSignal): Promise<void> {
  const writes: Promise<void>[] = []
  const add = async (ledger: Ledger, move: number): Promise<void> => {
    const began = Date.now()
    await ledger.write(move)
    written.get(ledger.name)?.push({ move, began, acked: Date.now() })
  }
  const from = performance.now()
  for (let move = 0; !signal.aborted; move++) {
    const pair = [ledgers[move % ledgers.length], ledgers[(move + 1 + (move >> 2)) % ledgers.length]]
    for (const ledger of new Set(pair)) if (ledger !== undefined) writes.push(add(ledger, move))
    await sleep(Math.max(0, from + move * 10 - performance.now()))
  }
  await Promise.all(writes)
}

async function openAll(scene: Stage, make: boolean): Promise<readonly Ledger[]> {
  return [
    await openPostgres(scene, make),
    await openMaria(scene, make),
    await openRedis(scene),
    await openSqlite(scene, make),
    await openDuckdb(scene, make),
  ]
}

async function openPostgres({ project }: Stage, make: boolean): Promise<Ledger> {
  const { uri } = await project.connect('post')
  const client = new Client({ connectionString: uri.reveal() })
  await client.connect()
  if (make) await client.query('CREATE TABLE ledger (move int)')
  return {
    name: 'post',
    write: (move) => client.query('INSERT INTO ledger VALUES ($1)', [move]),
    moves: async () => (await client.query<{ move: number }>('SELECT move FROM ledger')).rows.map(({ move }) => move),
    close: () => client.end(),
  }
}

async function openMaria({ project }: Stage, make: boolean): Promise<Ledger> {
  const { host, port, user, password, database } = await project.connect('maria')
  const client = await createConnection({
    host: host ?? '',
    port: port ?? 0,
    user: user ?? '',
    password: password?.reveal() ?? '',
    database: database ?? '',
  })
  if (make) await client.query('CREATE TABLE ledger (move int) ENGINE = InnoDB')
  return {
    name: 'maria',
    write: (move) => client.query('INSERT INTO ledger VALUES (?)', [move]),
    moves: async () => {
      const [rows] = await client.query('SELECT move FROM ledger')
      return (rows as { move: number }[]).map(({ move }) => move)
    },
    close: () => client.end(),
  }
}

async function openSqlite({ project }: Stage, make: boolean): Promise<Ledger> {
  const { file } = await project.connect('notes')
  const database = new DatabaseSync(file ?? '', { timeout: 10_000 })
  if (make) database.exec('PRAGMA journal_mode = WAL; CREATE TABLE ledger (move int)')
  return {
    name: 'notes',
    write: async (move) => database.prepare('INSERT INTO ledger VALUES (?)').run(move),
    moves: async () =>
      database
        .prepare('SELECT move FROM ledger')
        .all()
        .map(({ move }) => Number(move)),
    close: async () => database.close(),
  }
}

/**
 * A process that has the file open keeps all others out, Hayai too. So this writer opens it for the moves that wait and closes it
 * again, and waits while a backup has it: that is how a program and its backups get on with each other.
 */
async function openDuckdb({ project }: Stage, make: boolean): Promise<Ledger> {
  const { file } = await project.connect('facts')
  const whileOpen = async <T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> => {
    const instance = await opened(file ?? '')
    try {
      const connection = await instance.connect()
      try {
        return await work(connection)
      } finally {
        connection.closeSync()
      }
    } finally {
      instance.closeSync()
    }
  }
  const waiting: { readonly move: number; readonly done: PromiseWithResolvers<void> }[] = []
  let working = Promise.resolve()
  const writeAll = (): Promise<void> =>
    whileOpen(async (connection) => {
      for (const { move, done } of waiting.splice(0)) {
        await connection.run(`INSERT INTO ledger VALUES (${move})`)
        done.resolve()
      }
    })
  if (make) await whileOpen((connection) => connection.run('CREATE TABLE ledger (move int)'))
  return {
    name: 'facts',
    write(move) {
      const done = Promise.withResolvers<void>()
      if (waiting.push({ move, done }) === 1) working = working.then(writeAll)
      return done.promise
    },
    moves: () =>
      whileOpen(async (connection) =>
        (await connection.runAndReadAll('SELECT move FROM ledger')).getRowsJson().map(([move]) => Number(move)),
      ),
    close: () => working,
  }
}

async function opened(file: string): Promise<DuckDBInstance> {
  for (;;) {
    try {
      return await DuckDBInstance.create(file)
    } catch (error) {
      if (!String(error).includes('Could not set lock on file')) throw error
      await sleep(1)
    }
  }
}

async function openRedis({ project }: Stage): Promise<Ledger> {
  const { port, password } = await project.connect('red')
  const socket = connect(port ?? 0, '127.0.0.1')
  await once(socket, 'connect')
  await asked(socket, `AUTH ${password?.reveal()}`)
  let last: Promise<unknown> = Promise.resolve()
  return {
    name: 'red',
    write: (move) => (last = last.then(() => asked(socket, `RPUSH ledger ${move}`))),
    moves: async () => {
      const length = Number((await asked(socket, 'LLEN ledger')).slice(1))
      const moves: number[] = []
      for (let at = 0; at < length; at++) moves.push(Number((await asked(socket, `LINDEX ledger ${at}`)).split('\r\n')[1]))
      return moves
    },
    close: async () => void socket.destroy(),
  }
}

/** An inline command, and its whole answer, which is short. */
async function asked(socket: Socket, command: string): Promise<string> {
  socket.write(`${command}\r\n`)
  let answer = ''
  do {
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    answer += chunk.toString()
  } while (!answer.endsWith('\r\n') || (answer.startsWith('$') && answer.split('\r\n').length < 3))
  if (answer.startsWith('-')) throw new Error(`${command.split(' ')[0]}: ${answer}`)
  return answer
}
