// A real server, dumped and restored: what comes back is what was there, all of it.

import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { output } from '../../src/base/exec.ts'
import { postgresql } from '../../src/engines/postgresql.ts'
import { never, restored, snapshot, type Taken } from './postgresql-copies.ts'
import { noServer, programs, startServer, type Server } from './postgresql-server.ts'

const DOTTED: unknown = expect.stringMatching(/^\d+\.\d+$/)
const chinook = new URL('../../../shared/data/chinook/Chinook_PostgreSql.sql', import.meta.url)

describe.skipIf(noServer)('PostgreSQL (needs its server programs)', () => {
  describe('a server that uses everything', () => {
    let rich: Server
    let taken: Taken
    beforeAll(async () => {
      rich = await startServer()
      await rich.psql(await readFile(new URL('postgresql-rich.sql', import.meta.url), 'utf8'))
      taken = await snapshot(rich)
    })
    afterAll(() => rich[Symbol.asyncDispose]())

    test('comes back the same: by pg_dumpall byte for byte, and by every count', async () => {
      await using copy = await restored(taken)
      expect(await copy.everything()).toBe(await rich.everything())
      expect((await postgresql.inspect(copy.target)).census).toEqual(taken.facts.census)
      expect(await copy.psql(`SELECT count(*) FROM pg_stats WHERE tablename = 'people'`)).not.toBe('0') // analysed
      expect(await copy.psql(`SET role TO none; SELECT count(*) FROM pg_namespace WHERE nspname = 'public'`, 'Second "Dé"')).toBe('0')
    })

    test('what it is made of, and digests of its rows, are the same in the dump, in the server and in a copy', async () => {
      await using copy = await restored(taken)
      const [here, there] = [await postgresql.survey(rich.target, 'rows', never), await postgresql.survey(copy.target, 'rows', never)]
      const { bytes: _, ...ofDump } = taken.facts.outline
      expect(here.outline).toMatchObject(ofDump)
      expect(there.outline).toMatchObject(ofDump)
      expect(Object.keys(ofDump.tables)).toEqual(expect.arrayContaining(Object.keys(taken.facts.census.tables)))
      expect(Object.keys(ofDump.objects)).toEqual(expect.arrayContaining(['view', 'materialised view', 'function', 'sequence', 'type']))
      expect(there.digests).toEqual(here.digests)
      expect(Object.keys(here.digests ?? {})).toEqual(Object.keys(here.census.tables))
      await copy.psql(`UPDATE public.scratch SET i = i; UPDATE public.people SET name = name || '!' WHERE id = 3`)
      const { digests } = await postgresql.survey(copy.target, 'rows', never)
      expect(Object.keys(digests ?? {}).filter((table) => digests?.[table] !== here.digests?.[table])).toEqual(['public.people'])
    })

    test('the counts of the dump are those the server itself counts', async () => {
      const facts = await postgresql.inspect(rich.target)
      expect(facts.census).toEqual(taken.facts.census)
      expect(facts).toMatchObject({ product: 'PostgreSQL', version: DOTTED })
      expect(taken.facts.tools['pg_dump']).toMatch(/^\d+\.\d+$/)
      expect(taken.facts.census.tables).toMatchObject({
        'public.people': 1006,
        'public.measures_2025_0': 128,
        'public.parent': 1,
        'public.child': 2,
        'public.no_columns': 2,
        'public.scratch': 20,
        [`Odd Schema."ta""ble's ünï $1"`]: 3,
        'Odd Schema."line\nbreak"': 1,
        '"Second ""Dé"""/latin.é': 300,
      })
      expect(taken.facts.census.objects).toMatchObject({
        'large objects': 2,
        extensions: 6,
        policies: 2,
        'materialised views': 2,
        'sequence positions': 5_000_001_119,
        roles: 4,
        types: 4,
      })
      expect(taken.facts.notes).toEqual([])
    })

    test('by hand: one psql into an empty database of another name, where another is the superuser', async () => {
      await using other = await startServer({ environment: { POSTGRES_USER: 'boss', POSTGRES_DB: 'elsewhere' } })
      await other.psql(`CREATE ROLE app_user LOGIN PASSWORD 'mine'`)
      const before = await other.psql(`SELECT rolname, rolpassword FROM pg_authid WHERE rolname IN ('boss', 'app_user') ORDER BY 1`)
      const file = join(other.folder, 'snapshot.sql')
      await writeFile(file, taken.bytes)
      const { endpoint } = other
      await output({
        file: join(programs ?? '', 'psql'),
        args: [
          '-X',
          '-q',
          '-v',
          'ON_ERROR_STOP=1',
          '-h',
          endpoint.host,
          '-p',
          String(endpoint.port),
          '-U',
          'boss',
          '-d',
          'elsewhere',
          '-f',
          file,
        ],
        env: { PGPASSWORD: endpoint.password },
      })
      const facts = await postgresql.inspect(other.target)
      expect(facts.census).toEqual(taken.facts.census)
      expect(await other.psql(`SELECT rolname, rolpassword FROM pg_authid WHERE rolname IN ('boss', 'app_user') ORDER BY 1`)).toBe(before)
      expect(await other.psql(`SELECT rolpassword IS NULL FROM pg_authid WHERE rolname = 'admin'`)).toBe('t')
      expect(taken.bytes.includes(await rich.psql(`SELECT rolpassword FROM pg_authid WHERE rolname = 'admin'`))).toBe(false)
      expect(await other.psql(`SELECT datconnlimit FROM pg_database WHERE datname = 'elsewhere'`)).toBe('50')
    })

    test('any damage shows in the counts', async () => {
      await using copy = await restored(taken)
      const wreck = async (sql: string, where: 'tables' | 'objects', key: string): Promise<void> => {
        await copy.psql(sql)
        expect((await postgresql.inspect(copy.target)).census[where][key], sql).not.toBe(taken.facts.census[where][key])
      }
      await wreck(`DELETE FROM public.people WHERE id = 5`, 'tables', 'public.people')
      await wreck(`DROP TABLE public.wide`, 'tables', 'public.wide')
      await wreck(`DROP INDEX public.people_lower`, 'objects', 'indexes')
      await wreck(`SELECT nextval('public.unused')`, 'objects', 'sequence positions')
      await wreck(`SELECT lo_unlink(424243)`, 'objects', 'large objects')
      await wreck(`DROP TRIGGER measures_row ON public.measures`, 'objects', 'triggers')
      await wreck(`DROP DATABASE "Second ""Dé"""`, 'tables', '"Second ""Dé"""/latin.é')
      await wreck(`REVOKE app_owner FROM app_user CASCADE`, 'objects', 'memberships')
    })
  })

  test('Chinook comes back byte for byte', async (context) => {
    if (!existsSync(chinook)) context.skip('the Chinook database is not beside this checkout')
    await using source = await startServer({ environment: { POSTGRES_DB: 'chinook', POSTGRES_USER: 'postgres' } })
    const script = (await readFile(chinook, 'utf8')).replaceAll(/^(?:DROP|CREATE) DATABASE .*$|^\\c .*$/gm, '')
    await source.psql(script)
    const taken = await snapshot(source)
    await source.psql(`DROP TABLE invoice_line; DELETE FROM customer WHERE false; UPDATE track SET name = 'x'`)
    await using copy = await restored(taken, { environment: { POSTGRES_DB: 'chinook', POSTGRES_USER: 'postgres' } })
    const again = await snapshot(copy)
    const steady = (bytes: Buffer): string => bytes.toString().replaceAll(/^\\(?:un)?restrict .*$/gm, '')
    expect(steady(again.bytes)).toBe(steady(taken.bytes))
    expect(again.facts.census).toEqual(taken.facts.census)
    expect(taken.facts.census.tables['public.track']).toBe(3503)
  })

  describe('what a dump cannot carry', () => {
    test('is said in notes; the database "postgres" comes along when somebody uses it', async () => {
      await using server = await startServer({ environment: { POSTGRES_MAX_PREPARED_TRANSACTIONS: '2', POSTGRES_WAL_LEVEL: 'logical' } })
      const space = join(server.folder, 'data', 'space') // inside, so that it belongs to the server's account
      await server.psql(`COPY (SELECT 1) TO PROGRAM 'mkdir ${space}'`)
      await server.psql(`CREATE TABLESPACE fast LOCATION '${space}'`)
      await server.psql(`CREATE TABLE in_space (i integer) TABLESPACE fast; ALTER SYSTEM SET work_mem TO '5MB'`)
      await server.psql(`SELECT pg_create_logical_replication_slot('slot', 'test_decoding')`)
      await server.psql(`CREATE DATABASE closed; ALTER DATABASE closed ALLOW_CONNECTIONS false; CREATE DATABASE mould IS_TEMPLATE true`)
      await server.psql(`CREATE TABLE in_template (i integer)`, 'template1')
      await server.psql(`CREATE SUBSCRIPTION sub CONNECTION 'host=127.0.0.1 port=1' PUBLICATION p WITH (connect = false)`)
      await server.psql(`CREATE TABLE used (i integer); INSERT INTO used VALUES (1); COMMENT ON DATABASE postgres IS 'mine'`, 'postgres')
      await server.psql(`BEGIN; INSERT INTO in_space VALUES (1); PREPARE TRANSACTION 'tx'`)
      const taken = await snapshot(server)
      await server.psql(`ROLLBACK PREPARED 'tx'`)
      const said = taken.facts.notes.join('\n')
      for (const word of ['"fast"', '"work_mem"', '"slot"', '"closed"', '"mould"', '"public.in_template"', '"sub"', '"tx"'])
        expect(said).toContain(word)
      expect(taken.facts.notes).toHaveLength(8)
      await using copy = await restored(taken)
      expect((await postgresql.inspect(copy.target)).census).toEqual(taken.facts.census)
      expect(await copy.psql(`SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'postgres'`)).toBe('mine')
      expect(taken.facts.census.tables['postgres/public.used']).toBe(1)
    })
  })
})
