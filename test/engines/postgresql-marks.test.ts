import { expect, test } from 'vitest'
import { drain, once, type Bytes } from '../../src/base/bytes.ts'
import { postgresql } from '../../src/engines/postgresql.ts'
import { endLine, headLine } from '../../src/engines/postgresql/marks.ts'

const format = postgresql.formats[0] ?? expect.fail('no format')
const saying = (part: string): unknown => expect.stringContaining(part)
const check = (content: string | Bytes): Promise<void> =>
  drain(postgresql.check(format, typeof content === 'string' ? once(content) : content))

async function* inPieces(content: string, size: number): Bytes {
  const bytes = Buffer.from(content)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const body = 'INSERT INTO t VALUES (1);\n'.repeat(2000)
const ours = `${headLine('15.18', 2)}\n${body}\n${endLine(2)}`
const plain = `--\n-- PostgreSQL database dump\n--\n\n-- Dumped by pg_dump version 12.3\n\n${body}\n--\n-- PostgreSQL database dump complete\n--\n\n`
const restricted = `--\n-- PostgreSQL database dump\n--\n\n\\restrict abc1\n\n${body}\n--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc1\n\n`
const cluster = `--\n-- PostgreSQL database cluster dump\n--\n\n\\restrict k1\n\n\\unrestrict k1\n\n${restricted}--\n-- PostgreSQL database cluster dump complete\n--\n\n`

test.each([
  ['ours', ours],
  ['pg_dump', plain],
  ['pg_dump with \\restrict', restricted],
  ['pg_dumpall', cluster],
])('a whole dump of %s passes unchanged', async (_, dump) => {
  for (const size of [1 << 20, 4096, 7, 1]) {
    const seen: Uint8Array[] = []
    for await (const chunk of postgresql.check(format, inPieces(dump, size))) seen.push(chunk)
    expect(Buffer.concat(seen).toString()).toBe(dump)
  }
})

test.each([
  ['ours', ours],
  ['pg_dump', plain],
  ['pg_dump with \\restrict', restricted],
  ['pg_dumpall', cluster],
])('a dump of %s that was cut anywhere is refused', async (_, dump) => {
  const whole = dump.trimEnd().length - (dump.endsWith('--\n\n') ? '\n--'.length : 0) // the last frame of pg_dump's comment says nothing
  for (const length of [0, 1, 30, 100, Math.floor(dump.length / 2), ...Array.from({ length: 150 }, (_x, back) => whole - 1 - back)]) {
    await expect(check(dump.slice(0, length)), `cut to ${length} of ${dump.length}`).rejects.toMatchObject({ code: 'CORRUPT' })
  }
})

test('a dump that lost its last byte, goes on, or says another number of databases is refused', async () => {
  await expect(check(ours.slice(0, -1))).rejects.toMatchObject({ code: 'CORRUPT' })
  await expect(check(`${plain}DROP TABLE t;\n`)).rejects.toMatchObject({ code: 'CORRUPT' })
  await expect(check(ours.replace(endLine(2), endLine(1)))).rejects.toMatchObject({ code: 'CORRUPT' })
  await expect(check(restricted.replace('\\unrestrict abc1', '\\unrestrict abc2'))).rejects.toMatchObject({ code: 'CORRUPT' })
})

test('an archive in the custom format is named as what it is', async () => {
  await expect(check('CREATE TABLE t (i int);\n')).rejects.toMatchObject({ code: 'CORRUPT', hint: saying('hayai connect NAME') })
  await expect(check('PGDMP\u0001\u000e')).rejects.toMatchObject({ code: 'CONFLICT', hint: saying('pg_restore') })
})

test('what fails on the way fails the check', async () => {
  async function* broken(): Bytes {
    yield Buffer.from(ours)
    throw new Error('disk gone')
  }
  await expect(check(broken())).rejects.toThrow('disk gone')
})
