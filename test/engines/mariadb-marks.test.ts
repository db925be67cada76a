import { expect, test } from 'vitest'
import { drain, once, type Bytes } from '../../src/base/bytes.ts'
import { mariadb } from '../../src/engines/mariadb.ts'
import { MARIADB } from '../../src/engines/mariadb/dialect.ts'
import { endLine, headLine, withoutSandbox } from '../../src/engines/mariadb/marks.ts'

const format = mariadb.formats[0] ?? expect.fail('no format')
const check = (content: string | Bytes): Promise<void> =>
  drain(mariadb.check(format, typeof content === 'string' ? once(content) : content))

async function* inPieces(content: string, size: number): Bytes {
  const bytes = Buffer.from(content)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function collected(bytes: Bytes): Promise<string> {
  const seen: Uint8Array[] = []
  for await (const chunk of bytes) seen.push(chunk)
  return Buffer.concat(seen).toString()
}

const body = 'INSERT INTO t VALUES (1);\n'.repeat(2000)
const SANDBOX = '/*M!999999\\- enable the sandbox mode */ \n'
const ours = `${headLine(MARIADB, '10.11.19', 2)}\n${body}\n${endLine(2)}`
const stock = `${SANDBOX}-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB\n--\n${body}\n-- Dump completed on 2026-11-23  5:19:35\n`
const dateless = `-- MySQL dump 10.13  Distrib 8.0.36\n--\n${body}\n-- Dump completed\n`
const all = [
  ['ours', ours],
  ['mariadb-dump', stock],
  ['mysqldump without a date', dateless],
] as const

test.each(all)('a whole dump of %s passes unchanged', async (_, dump) => {
  for (const size of [1 << 20, 4096, 7, 1]) expect(await collected(mariadb.check(format, inPieces(dump, size)))).toBe(dump)
})

test.each(all)('a dump of %s that was cut anywhere is refused', async (_, dump) => {
  const end = dump.lastIndexOf('-- ') + (dump === ours ? dump.length : '-- Dump completed'.length)
  const last = Math.min(dump.length, end) - 1
  for (const length of [0, 1, 30, 100, Math.floor(dump.length / 2), ...Array.from({ length: 100 }, (_x, back) => last - back)]) {
    await expect(check(dump.slice(0, length)), `cut to ${length} of ${dump.length}`).rejects.toMatchObject({ code: 'CORRUPT' })
  }
})

test('a dump that goes on, says another number of databases, or is of others is refused', async () => {
  await expect(check(`${stock}DROP TABLE t;\n`)).rejects.toMatchObject({ code: 'CORRUPT' })
  await expect(check(ours.replace(endLine(2), endLine(1)))).rejects.toMatchObject({ code: 'CORRUPT' })
  await expect(check(`-- phpMyAdmin SQL Dump\n${body}`)).rejects.toMatchObject({
    code: 'CORRUPT',
    hint: expect.stringContaining('mariadb -h') as string,
  })
})

test('the word at which older clients stop is left out, and nothing else', async () => {
  for (const size of [1 << 20, 7, 1]) {
    expect(await collected(withoutSandbox(inPieces(stock, size)))).toBe(stock.slice(SANDBOX.length))
    expect(await collected(withoutSandbox(inPieces(ours, size)))).toBe(ours)
    expect(await collected(withoutSandbox(inPieces('short', size)))).toBe('short')
  }
})
