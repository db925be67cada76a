// Servers as the recipe makes and runs them.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { NOTHING_AROUND } from '../../src/engines/engine.ts'
import { once } from '../../src/base/bytes.ts'
import { HayaiError } from '../../src/base/errors.ts'
import { output } from '../../src/base/exec.ts'
import { postgresql } from '../../src/engines/postgresql.ts'
import { saying } from './postgresql-copies.ts'
import { noServer, programs, startServer } from './postgresql-server.ts'

const codeOf = (error: unknown): string => (error instanceof HayaiError ? error.code : String(error))

describe.skipIf(noServer)('PostgreSQL (needs its server programs)', () => {
  describe('the recipe', () => {
    test('makes a server that only the password opens, on loopback, and whose folder can be moved', async () => {
      await using server = await startServer({
        environment: {
          POSTGRES_DB: `o'd"d db`,
          POSTGRES_USER: 'öwn er',
          POSTGRES_WORK_MEM: '7MB',
          POSTGRES_INITDB_ARGS: '--data-checksums',
        },
      })
      const ask = (sql: string): Promise<string> => server.psql(sql)
      expect(await ask('SELECT current_database(), current_user')).toBe(`o'd"d db|öwn er`)
      expect(
        await ask(
          `SELECT string_agg(current_setting(n), ' ') FROM unnest(ARRAY['listen_addresses', 'work_mem', 'data_checksums', 'server_encoding', 'fsync']) n`,
        ),
      ).toBe('127.0.0.1 7MB on UTF8 on')
      expect(await ask(`SELECT current_setting('unix_socket_directories') = ''`)).toBe('t')
      expect(await ask(`SELECT DISTINCT type, auth_method FROM pg_hba_file_rules ORDER BY 1`)).toBe('host|scram-sha-256\nlocal|reject')
      expect(await ask(`SELECT string_agg(DISTINCT address, ' ') FROM pg_hba_file_rules`)).toBe('127.0.0.1 ::1')
      const wrong = {
        file: join(programs ?? '', 'psql'),
        args: ['-X', '-w', '-c', 'SELECT 1'],
        env: {
          PGHOST: '127.0.0.1',
          PGPORT: String(server.endpoint.port),
          PGUSER: server.endpoint.user,
          PGDATABASE: server.endpoint.database,
          PGPASSWORD: 'wrong',
        },
      }
      await expect(output(wrong)).rejects.toThrow('password authentication failed')
      const data = join(server.folder, 'data')
      for (const file of ['postgresql.conf', 'pg_hba.conf', 'postgresql.auto.conf'])
        expect(await readFile(join(data, file), 'utf8')).not.toContain(server.folder)
    })

    test('a creation that fails does not show the password', async () => {
      const { recipe } = postgresql
      if (recipe.shape !== 'server') throw new Error('not a server')
      await using server = await startServer()
      const settings = postgresql.settings({ POSTGRES_USER: 'not_there', POSTGRES_PASSWORD: 'hush-hush' }, server.endpoint.password)
      const steps = recipe.create({
        dataDir: join(server.folder, 'data'),
        port: 1,
        passwordFile: '',
        found: [],
        around: NOTHING_AROUND,
        settings,
      })
      const { program, args, input } = steps.at(-1) ?? expect.fail('no step')
      expect(input).toContain('hush-hush')
      expect(JSON.stringify(steps.map((step) => step.args))).not.toContain('hush')
      await server.atRest(async (account) => {
        const error = await output({ file: join(programs ?? '', program), args, ...account }, once(input ?? '')).catch(
          (reason: unknown) => reason,
        )
        expect(error).toMatchObject({ code: 'TOOL_FAILED', message: saying('not_there') })
        expect(inspect(error, { depth: 9 })).not.toContain('hush')
      })
    })

    test('a server that is there, but lets nobody in yet or any more, is told from one that is not there', async () => {
      const { recipe } = postgresql
      if (recipe.shape !== 'server') throw new Error('not a server')
      await using server = await startServer()
      const [pid] = (await readFile(join(server.folder, 'data', 'postmaster.pid'), 'utf8')).split('\n')
      const connected = server.psql('SELECT pg_sleep(2)')
      await expect.poll(() => server.psql(`SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(2)%'`)).toBe('2')
      process.kill(Number(pid), 'SIGTERM') // it waits for whoever is connected
      await expect.poll(() => recipe.answers(server.endpoint).then(String, codeOf)).toBe('WRONG_STATE')
      await connected
      await expect.poll(() => recipe.answers(server.endpoint).then(String, codeOf), { timeout: 5000 }).toBe('TOOL_FAILED')
    })

    test('a filling server leaves what a live one takes over', async () => {
      await using server = await startServer({
        purpose: 'filling',
        environment: { POSTGRES_WAL_LEVEL: 'logical', POSTGRES_MAX_CONNECTIONS: '30' },
      })
      expect(await server.psql('SHOW fsync')).toBe('off')
      await server.psql(`CREATE TABLE t AS SELECT generate_series(1, 1000) AS i`)
      // Each of them with its index, all locked at once: the stock settings have no room for that.
      await server.psql(`DO 'BEGIN FOR i IN 1..4500 LOOP EXECUTE format(''CREATE TABLE many_%s (i int PRIMARY KEY)'', i); END LOOP; END'`)
      await server.restart('live')
      expect(
        await server.psql(
          `SELECT current_setting('fsync'), current_setting('wal_level'), current_setting('max_connections'), count(*) FROM t`,
        ),
      ).toBe('on|logical|30|1000')
    }, 180_000)
  })
})
