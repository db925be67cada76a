// Programs that fail in every way they can: real ones, put in the place of pg_dump and psql.

import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { once, type Bytes } from '../../src/base/bytes.ts'
import { postgresql } from '../../src/engines/postgresql.ts'
import { format, never, saying } from './postgresql-copies.ts'
import { collect, noServer, programs, startServer, type Server } from './postgresql-server.ts'

describe.skipIf(noServer)('PostgreSQL (needs its server programs)', () => {
  describe('programs that fail', () => {
    let server: Server
    let fakes: string
    beforeAll(async () => {
      server = await startServer()
      await server.psql(`CREATE TABLE t AS SELECT i, repeat('x', 200) AS x FROM generate_series(1, 20000) i`)
      fakes = await mkdtemp(join(tmpdir(), 'hayai-fakes-'))
    })
    afterAll(async () => {
      await server[Symbol.asyncDispose]()
      await rm(fakes, { recursive: true, force: true })
    })

    /** A program of ours in the place of the server's: it runs `script`, in which `$REAL` is the real one. */
    async function dumpBy(script: string, { version = '99.1', signal = never } = {}): Promise<Buffer> {
      const file = join(fakes, 'pg_dump')
      const body = `#!/bin/sh\ncase "$1" in --version) echo "pg_dump (PostgreSQL) ${version}"; exit;; esac\nREAL='${programs}/pg_dump'\n${script}\n`
      await writeFile(`${file}.new`, body, { mode: 0o755 })
      await rename(`${file}.new`, file)
      try {
        const dump = await postgresql.dump(server.targetWith(fakes), format, signal)
        try {
          return await collect(postgresql.check(format, dump.bytes))
        } finally {
          await dump.close()
        }
      } finally {
        await rm(file)
      }
    }

    test('a pg_dump that says much on stderr, and works', async () => {
      const bytes = await dumpBy(`yes 'pg_dump: warning: something' | head -c 400000 >&2\nexec "$REAL" "$@"`)
      expect(bytes.toString()).toContain('Hayai snapshot complete: 1 database\n')
    })

    test('a pg_dump that says much on stderr, and fails', async () => {
      await expect(
        dumpBy(`yes 'pg_dump: warning: noise' | head -c 400000 >&2\necho 'pg_dump: error: the last word' >&2\nexit 1`),
      ).rejects.toMatchObject({
        code: 'TOOL_FAILED',
        message: saying('the last word'),
      })
    })

    test('a pg_dump that exits 1 after half of its output', async () => {
      await expect(dumpBy(`"$REAL" "$@" | head -c 2000000\nexit 1`)).rejects.toMatchObject({ code: 'TOOL_FAILED' })
    })

    test('a pg_dump that exits 0 after half of its output', async () => {
      await expect(dumpBy(`"$REAL" "$@" | head -c 2000000\nexit 0`)).rejects.toMatchObject({
        code: 'TOOL_FAILED',
        message: saying('no end'),
      })
    })

    test('a pg_dump that leaves out a table', async () => {
      await expect(dumpBy(`exec "$REAL" --exclude-table-data=t "$@"`)).rejects.toMatchObject({
        code: 'TOOL_FAILED',
        message: saying('public.t'),
      })
    })

    test('a pg_dump that hangs, until the signal', async () => {
      const stop = new AbortController()
      setTimeout(() => stop.abort(new Error('enough')), 1000)
      await expect(dumpBy(`"$REAL" "$@" | head -c 1000000\nsleep 600`, { signal: stop.signal })).rejects.toThrow('enough')
    })

    test('a pg_dump older than the server is refused before it runs', async () => {
      await expect(dumpBy('exit 3', { version: '9.6.24' })).rejects.toMatchObject({ code: 'ENVIRONMENT', message: saying('9.6.24') })
    })

    const whole = `--\n-- PostgreSQL database dump\n--\n\n`
    const end = `--\n-- PostgreSQL database dump complete\n--\n\n`
    const loading = (content: string): Promise<void> =>
      postgresql.load(server.target, format, postgresql.check(format, once(content)), never)

    test('psql stops at the first error, and says which', async () => {
      await expect(
        loading(`${whole}CREATE TABLE before_error ();\nSELECT no_such_thing();\nCREATE TABLE after_error ();\n${end}`),
      ).rejects.toMatchObject({
        code: 'TOOL_FAILED',
        message: saying('no_such_thing'),
      })
      expect(await server.psql(`SELECT string_agg(relname, ' ') FROM pg_class WHERE relname LIKE '%_error'`)).toBe('before_error')
    })

    test('a file that tells psql to leave is a failure, not a short success', async () => {
      await expect(loading(`${whole}SELECT 1;\n\\q\nSELECT 2;\n${end}`)).rejects.toMatchObject({ code: 'TOOL_FAILED' })
      await expect(loading(`${whole}\\q\n${'-- filler\n'.repeat(200_000)}${end}`)).rejects.toMatchObject({ code: 'TOOL_FAILED' })
    })

    test('a file that ends among rows, or inside of a string, is a failure', async () => {
      await expect(loading(`${whole}CREATE TABLE cut_off (x text);\nCOPY cut_off FROM stdin;\na\n${end}`)).rejects.toMatchObject({
        code: 'TOOL_FAILED',
      })
      await expect(loading(`${whole}SELECT 'never ended;\n${end}`)).rejects.toMatchObject({ code: 'TOOL_FAILED' })
    })

    test('a source that breaks is what is told, whatever psql made of it', async () => {
      async function* broken(): Bytes {
        yield Buffer.from(`${whole}CREATE TABLE from_broken ();\n`)
        throw new Error('the disk is gone')
      }
      await expect(postgresql.load(server.target, format, broken(), never)).rejects.toThrow('the disk is gone')
    })

    test('a psql that reads nothing and exits 0 is a failure', async () => {
      await writeFile(join(fakes, 'psql'), '#!/bin/sh\nexit 0\n', { mode: 0o755 })
      const load = postgresql.load(server.targetWith(fakes), format, once(`${whole}SELECT 1;\n${end}`), never)
      await expect(load).rejects.toMatchObject({ code: 'TOOL_FAILED' })
      await rm(join(fakes, 'psql'))
    })

    test('a signal ends a load', async () => {
      const stop = new AbortController()
      setTimeout(() => stop.abort(new Error('enough')), 700)
      const began = Date.now()
      await expect(postgresql.load(server.target, format, once(`${whole}SELECT pg_sleep(30);\n${end}`), stop.signal)).rejects.toThrow(
        'enough',
      )
      expect(Date.now() - began).toBeLessThan(25_000) // and not the thirty seconds of the sleep
    })

    test('a server that is not there is said so', async () => {
      const { endpoint } = server
      const nobody = { ...server.target, endpoint: { ...endpoint, port: 1 } }
      await expect(postgresql.inspect(nobody)).rejects.toMatchObject({ code: 'TOOL_FAILED', message: saying('does not answer') })
      await expect(postgresql.dump(nobody, format, never)).rejects.toMatchObject({ code: 'TOOL_FAILED' })
    })
  })
})
