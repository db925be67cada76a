// The process in which DuckDB runs: `node child.ts <verb> <request>`, or `standing` for one question after the other.
// protocol.ts tells what it can be asked.

import { readSync, writeSync } from 'node:fs'
import { answerAsAsked } from '../../base/answering.ts'
import { explained } from './connection.ts'
import { exchange } from './exchange.ts'
import { copy, create, examine, hold, inspect, look, recognise, survey } from './file.ts'
import { duckdb, versionOfDuckdb } from './package.ts'
import type { Answers, Happening, Requests, Verb } from './protocol.ts'
import { readSql } from './read-sql.ts'
import { takeBack } from './take-back.ts'
import { findTables, transplant } from './transplant.ts'
import { trySchema, writeRows, writeSql } from './write-sql.ts'

type Work = { readonly [V in Verb]: (request: Requests[V]) => Answers[V] | void | Promise<Answers[V] | void> }

const work: Work = {
  version: versionOfDuckdb,
  create,
  recognise,
  look,
  inspect,
  survey,
  hold: async (request) => {
    await duckdb() // loading it takes longer than all the rest
    permitted()
    await hold(request, tell, () => void permission())
  },
  copy: (request) => {
    if (request.waits) permitted()
    copy(request, tell)
  },
  examine,
  exchange: (request) => exchange(request, () => permission(() => tell({ event: 'ready' }))),
  trySchema,
  writeSql: (request) => writeSql(request, print),
  findTables,
  transplant: (request) => transplant(request, permitted),
  takeBack: (request) => takeBack(request, permitted),
  writeRows: (request) => writeRows(request, print),
  readSql,
}

function permitted(): void {
  if (!permission(() => tell({ event: 'ready' }))) throw new Error('it is not wanted any more')
}

/** Says that all is ready, and waits for the permission; false when there will be none. Nothing else happens meanwhile. */
function permission(say: () => void = () => {}): boolean {
  say()
  const byte = Buffer.alloc(1)
  return readSync(0, byte, 0, 1, null) === 1 && byte.toString() === 'g'
}

// Written at once and by hand: while the permission is waited for, a stream would never be emptied.
function print(line: string): void {
  for (let rest = Buffer.from(line); rest.byteLength > 0;) rest = rest.subarray(writeSync(1, rest))
}

function tell(happening: Happening): void {
  print(`${JSON.stringify(happening)}\n`)
}

/** What they print is the text itself. */
const AS_IT_IS: ReadonlySet<string> = new Set<Verb>(['writeSql', 'writeRows'])

await answerAsAsked({ work, asItIs: AS_IT_IS, explained: (error) => explained(error, ''), print })
