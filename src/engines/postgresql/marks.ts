// The first and the last line of a dump, by which a whole file is told from one that was cut short.

import type { Bytes } from '../../base/bytes.ts'
import { HayaiError } from '../../base/errors.ts'

const END_OF_DATABASE = '-- PostgreSQL database dump complete'
const END_OF_CLUSTER = '-- PostgreSQL database cluster dump complete'
const NEAR = 4096 // how much of either end is looked at

const databases = (count: number): string => (count === 1 ? '1 database' : `${count} databases`)
export const headLine = (version: string, count: number): string => `-- Hayai snapshot of PostgreSQL ${version}: ${databases(count)}\n`
export const endLine = (count: number): string => `-- Hayai snapshot complete: ${databases(count)}\n`

/** Passes the bytes on, and throws CORRUPT at their end when they are not a whole dump, Hayai's or the stock tools'. */
export async function* checkEnds(source: Bytes): Bytes {
  let head = Buffer.alloc(0)
  let tail = Buffer.alloc(0)
  for await (const chunk of source) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    if (head.length < NEAR) head = Buffer.concat([head, bytes.subarray(0, NEAR - head.length)])
    if (head.length >= 5) refuseArchive(head)
    tail = bytes.length >= NEAR ? Buffer.from(bytes.subarray(-NEAR)) : Buffer.concat([tail, bytes]).subarray(-NEAR)
    yield chunk
  }
  const problem = whatIsWrong(head.toString('latin1'), tail.toString('latin1'))
  if (problem !== undefined) {
    const hint = problem === OTHERS ? SCRIPT : 'Use another snapshot; this one was cut short or changed.'
    throw new HayaiError('CORRUPT', `the SQL dump ${problem}`, { hint })
  }
}

const OTHERS = 'was not written by Hayai, pg_dump or pg_dumpall'
const SCRIPT = 'Whether it is whole nothing tells. Run it in a database that is there: psql "$(hayai connect NAME --uri)" -f FILE'

function refuseArchive(head: Buffer): void {
  if (head.toString('latin1', 0, 5) !== 'PGDMP') return
  throw new HayaiError('CONFLICT', "this is an archive in pg_dump's custom format, and not an SQL file", {
    hint: 'Make an SQL file of it first: pg_restore -f dump.sql <file>',
  })
}

function whatIsWrong(head: string, tail: string): string | undefined {
  if (head === '') return 'is empty'
  const ours = /^-- Hayai snapshot of PostgreSQL [^\n]*?: (\d+) databases?\n/.exec(head)
  if (ours !== null) return tail.endsWith(`\n${endLine(Number(ours[1]))}`) ? undefined : 'does not end with its last line'
  if (!head.startsWith('--\n-- PostgreSQL database')) return OTHERS
  const end = Math.max(tail.lastIndexOf(`\n${END_OF_DATABASE}\n`), tail.lastIndexOf(`\n${END_OF_CLUSTER}\n`))
  if (end === -1) return "does not end with pg_dump's last line"
  const rest = tail
    .slice(end + 1)
    .split('\n')
    .slice(1)
  if (rest.some((line) => line !== '' && line !== '--' && !line.startsWith('\\unrestrict '))) return "goes on after pg_dump's last line"
  const key = /^\\restrict (\w+)$/m.exec(head)?.[1]
  const cluster = tail.startsWith(END_OF_CLUSTER, end + 1)
  if (key !== undefined && !cluster && !rest.includes(`\\unrestrict ${key}`))
    return 'does not end with the \\unrestrict line of its \\restrict'
  return undefined
}
