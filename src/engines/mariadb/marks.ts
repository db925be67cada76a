// The first and the last line of a dump, by which a whole file is told from one that was cut short.

import type { Bytes } from '../../base/bytes.ts'
import { HayaiError } from '../../base/errors.ts'
import type { Dialect } from './dialect.ts'

const NEAR = 4096 // how much of either end is looked at

const databases = (count: number): string => (count === 1 ? '1 database' : `${count} databases`)
export const headLine = ({ product }: Dialect, version: string, count: number): string =>
  `-- Hayai snapshot of ${product} ${version}: ${databases(count)}\n`
export const endLine = (count: number): string => `-- Hayai snapshot complete: ${databases(count)}\n`

/** Passes the bytes on, and throws CORRUPT at their end when they are not a whole dump, Hayai's or the stock tools'. */
export async function* checkEnds(source: Bytes): Bytes {
  let head = Buffer.alloc(0)
  let tail = Buffer.alloc(0)
  for await (const chunk of source) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    if (head.length < NEAR) head = Buffer.concat([head, bytes.subarray(0, NEAR - head.length)])
    tail = bytes.length >= NEAR ? Buffer.from(bytes.subarray(-NEAR)) : Buffer.concat([tail, bytes]).subarray(-NEAR)
    yield chunk
  }
  const problem = whatIsWrong(head.toString('latin1'), tail.toString('latin1'))
  if (problem !== undefined) {
    const hint = problem === OTHERS ? SCRIPT : 'Use another snapshot; this one was cut short or changed.'
    throw new HayaiError('CORRUPT', `the SQL dump ${problem}`, { hint })
  }
}

const OTHERS = 'was not written by Hayai, mariadb-dump or mysqldump'
const SCRIPT = 'Whether it is whole nothing tells. Run it in a database that is there: mariadb -h HOST -P PORT -u USER -p DATABASE < FILE'

/** The word with which newer clients refuse commands to themselves. Older ones do not know it, and stop at it. */
const SANDBOX = /^\/\*M?!999999\\- [^\n]*\n/

function whatIsWrong(head: string, tail: string): string | undefined {
  if (head === '') return 'is empty'
  const ours = /^-- Hayai snapshot of (?:MariaDB|MySQL) [^\n]*?: (\d+) databases?\n/.exec(head)
  if (ours !== null) return tail.endsWith(`\n${endLine(Number(ours[1]))}`) ? undefined : 'does not end with its last line'
  if (!/^-- (?:MariaDB|MySQL) dump /.test(head.replace(SANDBOX, ''))) return OTHERS
  const end = /\n-- Dump completed(?: on [\d :-]+)?\r?\n?\s*$/.test(tail)
  return end ? undefined : 'does not end with "-- Dump completed"'
}

/** Leaves out the sandbox word at the beginning: commands are refused here by --binary-mode. */
export async function* withoutSandbox(source: Bytes): Bytes {
  let head: Buffer | undefined = Buffer.alloc(0)
  for await (const chunk of source) {
    if (head === undefined) {
      yield chunk
      continue
    }
    head = Buffer.concat([head, chunk])
    if (head.length < 256 && !head.includes('\n')) continue
    const length = SANDBOX.exec(head.toString('latin1', 0, 256))?.[0].length ?? 0
    yield head.subarray(length)
    head = undefined
  }
  if (head !== undefined && head.length > 0) yield head
}
