// Programs that fail, files that are wrong: told as what they are, and never taken for success.

import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { once, type Bytes } from '../../src/base/bytes.ts'
import { mariadb } from '../../src/engines/mariadb.ts'
import { collect, noServer, program, startServer, type Server } from './mariadb-server.ts'
import { format, never, saying } from './mariadb-taking.ts'

describe.skipIf(noServer)('programs of MariaDB that fail (needs its server programs)', () => {
  let server: Server
  let fakes: string
  beforeAll(async () => {
    server = await startServer()
    await server.sql(
      `CREATE TABLE t (i int PRIMARY KEY, x varchar(200)); INSERT INTO t SELECT seq, REPEAT('x', 200) FROM seq_1_to_20000; CREATE TABLE u (i int); INSERT INTO u VALUES (1)`,
    )
    fakes = await mkdtemp(join(tmpdir(), 'hayai-fakes-'))
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    await rm(fakes, { recursive: true, force: true })
  })

  async function fake(name: string, body: string): Promise<void> {
    const file = join(fakes, name)
    await writeFile(`${file}.new`, `#!/bin/sh\n${body}\n`, { mode: 0o755 })
    await rename(`${file}.new`, file)
  }

  /** A program of ours in the place of the server's: it runs `script`, in which `$REAL` is the real one. */
  async function dumpBy(script: string, signal = never): Promise<Buffer> {
    await fake('mariadb-dump', `REAL='${program('mariadb-dump')}'\ncase "$2" in --version) exec "$REAL" --version;; esac\n${script}`)
    try {
      const dump = await mariadb.dump(server.targetWith(fakes), format, signal)
      try {
        return await collect(mariadb.check(format, dump.bytes))
      } finally {
        await dump.close()
      }
    } finally {
      await rm(join(fakes, 'mariadb-dump'))
    }
  }
  const nobodyLeft = (): Promise<void> =>
    expect
      .poll(() => server.sql(`SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND USER = 'admin'`), {
        timeout: 10_000,
      })
      .toBe('0')

  test('one that says much on stderr, and works', async () => {
    const bytes = await dumpBy(`yes 'mariadb-dump: warning: something' | head -c 400000 >&2\nexec "$REAL" "$@"`)
    expect(bytes.toString()).toContain('Hayai snapshot complete: 1 database\n')
  })

  test('one that says much on stderr, and fails', async () => {
    await expect(dumpBy(`yes 'mariadb-dump: warning: noise' | head -c 400000 >&2\necho 'the last word' >&2\nexit 1`)).rejects.toMatchObject(
      {
        code: 'TOOL_FAILED',
        message: saying('the last word'),
      },
    )
    await nobodyLeft()
  })

  test.each([
    ['exits 1', 1],
    ['claims success', 0],
  ])('one that %s after half of its output', async (_, status) => {
    await expect(dumpBy(`"$REAL" "$@" | head -c 2000000\nexit ${status}`)).rejects.toMatchObject({ code: 'TOOL_FAILED' })
    await nobodyLeft()
  })

  test('one that claims success and says nothing, or nothing of the database', async () => {
    for (const script of ['exit 0', 'echo "-- MariaDB dump"']) {
      await expect(dumpBy(script)).rejects.toMatchObject({ code: 'TOOL_FAILED', message: saying('said nothing of the database') })
    }
  })

  test('one that leaves out the rows of a table', async () => {
    await expect(dumpBy('shift; exec "$REAL" --no-defaults --ignore-table-data=database.t "$@"')).rejects.toMatchObject({
      code: 'TOOL_FAILED',
      message: saying('rows of t'),
    })
    await expect(dumpBy('shift; exec "$REAL" --no-defaults --ignore-table=database.u "$@"')).rejects.toMatchObject({
      code: 'TOOL_FAILED',
      message: saying('rows of u'),
    })
  })

  test('one that hangs, until the signal', async () => {
    const stop = new AbortController()
    setTimeout(() => stop.abort(new Error('enough')), 1500)
    await expect(dumpBy(`"$REAL" "$@" | head -c 1000000\nsleep 600`, stop.signal)).rejects.toThrow('enough')
    const sooner = new AbortController()
    setTimeout(() => sooner.abort(new Error('enough')), 700)
    await expect(dumpBy('sleep 600', sooner.signal)).rejects.toThrow('enough')
    await nobodyLeft()
  })

  const whole = '-- MariaDB dump 10.19\n--\n'
  const end = '-- Dump completed\n'
  const loading = (content: string, signal = never): Promise<void> =>
    mariadb.load(server.target, format, mariadb.check(format, once(content)), signal)

  test('the client stops at the first error, and says which', async () => {
    await expect(
      loading(`${whole}CREATE TABLE before_error (i int);\nSELECT no_such_thing();\nCREATE TABLE after_error (i int);\n${end}`),
    ).rejects.toMatchObject({
      code: 'TOOL_FAILED',
      message: saying('no_such_thing'),
    })
    expect(await server.sql(`SHOW TABLES LIKE '%\\_error'`)).toBe('before_error')
  })

  test('a file that tells the client to leave, or to run something, is a failure', async () => {
    for (const command of ['\\q', 'quit', '\\! touch /tmp/hayai-was-here', 'system true', 'source /etc/passwd', '\\. /etc/passwd']) {
      await expect(loading(`${whole}SELECT 1;\n${command}\nSELECT 2;\n${end}`), command).rejects.toMatchObject({ code: 'TOOL_FAILED' })
    }
  })

  test('a file that ends inside of a string or a comment is a failure', async () => {
    await expect(loading(`${whole}SELECT 'never ended;\n${end}`)).rejects.toMatchObject({ code: 'TOOL_FAILED' })
    await expect(loading(`${whole}SELECT 1; /* never ended\n${end}`)).rejects.toMatchObject({ code: 'TOOL_FAILED' })
  })

  test('a source that breaks is what is told, whatever the client made of it', async () => {
    async function* broken(): Bytes {
      yield Buffer.from(`${whole}CREATE TABLE from_broken (i int);\n`)
      throw new Error('the disk is gone')
    }
    await expect(mariadb.load(server.target, format, broken(), never)).rejects.toThrow('the disk is gone')
  })

  test('a client that reads nothing and exits 0 is a failure', async () => {
    await fake('mariadb', 'exit 0')
    await expect(mariadb.load(server.targetWith(fakes), format, once(`${whole}SELECT 1;\n${end}`), never)).rejects.toMatchObject({
      code: 'TOOL_FAILED',
    })
    await rm(join(fakes, 'mariadb'))
  })

  test('a signal ends a load', async () => {
    const stop = new AbortController()
    setTimeout(() => stop.abort(new Error('enough')), 700)
    const began = Date.now()
    await expect(loading(`${whole}SELECT SLEEP(30);\n${end}`, stop.signal)).rejects.toThrow('enough')
    expect(Date.now() - began).toBeLessThan(25_000) // and not the thirty seconds of the sleep
  })

  test('a server that is not there, or another product, is said so', async () => {
    const nobody = { ...server.target, endpoint: { ...server.endpoint, port: 1 } }
    await expect(mariadb.inspect(nobody)).rejects.toMatchObject({ code: 'TOOL_FAILED', message: saying('does not answer') })
    await expect(mariadb.dump(nobody, format, never)).rejects.toMatchObject({ code: 'TOOL_FAILED' })
  })
})
