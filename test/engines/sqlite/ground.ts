// What the trials of SQLite stand on: files, stock programs that make, read and disturb them, and Hayai's hands on a file.

import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freeBytes } from '../../../src/base/files.ts'
import type { Bytes } from '../../../src/base/bytes.ts'
import type { Dump, Format, Target } from '../../../src/engines/engine.ts'
import { sqlite } from '../../../src/engines/sqlite.ts'

const CHINOOK = join(import.meta.dirname, '../../../../shared/data/chinook/Chinook_Sqlite.sqlite')
export const chinook = existsSync(CHINOOK) ? CHINOOK : undefined

export const MODES = ['wal', 'delete'] as const

export function format(name: string): Format {
  const found = sqlite.formats.find((each) => each.name === name)
  if (found === undefined) throw new Error(`no format ${name}`)
  return found
}

export async function folder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'hayai-sqlite-'))
}

export async function targetOf(path: string, scratch: string): Promise<Target> {
  await mkdir(scratch, { recursive: true })
  return {
    endpoint: undefined,
    inner: undefined,
    path,
    scratch,
    run() {
      throw new Error('SQLite needs no program of its place')
    },
    freeBytes: () => freeBytes(scratch),
    version: null,
    layDown: () => Promise.reject(new Error('nothing is laid down in it')),
    copyAtRest: () => Promise.reject(new Error('it is not copied at rest')),
    workshop: () => Promise.reject(new Error('nobody works beside it')),
    close: () => rm(scratch, { recursive: true, force: true }),
  }
}

export async function all(bytes: Bytes): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of bytes) parts.push(part)
  return Buffer.concat(parts)
}

/** The bytes of a snapshot, passed through the engine's own check. */
export async function bytesOf(dump: Dump, name = 'db'): Promise<Buffer> {
  return all(sqlite.check(format(name), dump.bytes))
}

/** In pieces of that size, as they may come from a disk, a pipe or a network. */
export async function* pieces(content: Uint8Array, size = 65_536): Bytes {
  for (let at = 0; at < content.byteLength; at += size) yield content.subarray(at, at + size)
}

/** The stock program on a file. */
export function sql(file: string, statements: string): string {
  const input = `.timeout 5000\n${statements}`
  return execFileSync('sqlite3', ['-bail', file], { input, encoding: 'utf8', stdio: 'pipe', maxBuffer: 1 << 30 }).trim()
}

/** A program that has a file open; what it does with it, it does when told. */
export interface Client {
  readonly pid: number
  /** A line for Python, with `c` for the connection; its value as JSON. Throws what Python throws. */
  tell(line: string): Promise<unknown>
  kill(): Promise<void>
}

const CLIENT = `
import json, sqlite3, sys
c = sqlite3.connect(sys.argv[1], timeout=float(sys.argv[2]), isolation_level=None)
def q(s): return c.execute(s).fetchall()
for line in sys.stdin:
    try:
        try: print(json.dumps([True, eval(line)]), flush=True)
        except SyntaxError: exec(line); print('[true, null]', flush=True)
    except Exception as e: print(json.dumps([False, str(e)]), flush=True)
`

export function client(file: string, patience = 5): Client {
  const child = spawn('python3', ['-c', CLIENT, file, String(patience)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    pid: pidOf(child),
    async tell(line) {
      child.stdin.write(`${line}\n`)
      const { value, done } = await lines.next()
      if (done === true) throw new Error('the client is gone')
      const [fine, answer] = JSON.parse(value) as [boolean, unknown]
      if (!fine) throw new Error(String(answer))
      return answer
    },
    kill: () => kill(child),
  }
}

// Two counters that are equal in every committed state, and rows that make pages move.
const WRITER = `
import json, signal, sqlite3, sys
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
c = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
commits = failures = 0
last = ''
print('writing', flush=True)
while not stop:
    try:
        c.execute('BEGIN IMMEDIATE')
        c.execute('UPDATE pair SET a = a + 1')
        c.execute('INSERT INTO rows (content) VALUES (randomblob(900))')
        c.execute('DELETE FROM rows WHERE id % 3 = 0 AND id < (SELECT max(id) FROM rows) - 200')
        c.execute('UPDATE pair SET b = b + 1')
        c.execute('COMMIT')
        commits += 1
    except sqlite3.Error as e:
        failures += 1; last = str(e)
        if c.in_transaction: c.execute('ROLLBACK')
print(json.dumps({'commits': commits, 'failures': failures, 'last': last}), flush=True)
`

export interface Writer {
  readonly pid: number
  /** Ends it after its current transaction; how many it committed. */
  stop(): Promise<{ readonly commits: number; readonly failures: number; readonly last: string }>
  kill(): Promise<void>
}

export const PAIR = `CREATE TABLE pair (a integer, b integer); INSERT INTO pair VALUES (0, 0);
  CREATE TABLE rows (id integer PRIMARY KEY, content blob);`

/** Rows of about a kilobyte each. */
export function ballast(kilobytes: number): string {
  return `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${kilobytes}) INSERT INTO rows (content) SELECT randomblob(950) FROM n;`
}

export async function writer(file: string): Promise<Writer> {
  const child = spawn('python3', ['-c', WRITER, file], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  if ((await lines.next()).value !== 'writing') throw new Error('the writer did not begin')
  return {
    pid: pidOf(child),
    async stop() {
      child.kill('SIGTERM')
      const { value } = await lines.next()
      await ended(child)
      return JSON.parse(String(value)) as { commits: number; failures: number; last: string }
    },
    kill: () => kill(child),
  }
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await ended(child)
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

function pidOf({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error('it did not start')
  return pid
}
