// The process in which DuckDB runs: `node child.ts <verb> <request>`, or `standing` for one question after the other.
// protocol.ts tells what it can be asked.

import { readSync, writeSync } from 'node:fs'
import { answerEach } from '../../base/answering.ts'
import { HayaiError } from '../../base/errors.ts'
import { lineOfAnswer, lineOfError } from '../../base/lines.ts'
import { STANDING } from '../../base/standing.ts'
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

process.umask(0o077)
const [verb = '', request = '{}'] = process.argv.slice(2)
if (verb === STANDING) await answerEach(lineFor, print)
else if (AS_IT_IS.has(verb)) await answerTo(verb, JSON.parse(request))
else print(await lineFor(verb, JSON.parse(request)))

/** What is no error of ours is thrown. */
async function lineFor(verb: string, request: unknown): Promise<string> {
  try {
    return lineOfAnswer(await answerTo(verb, request))
  } catch (error) {
    const known = explained(error, '')
    if (known instanceof HayaiError) return lineOfError(known)
    throw error
  }
}

function answerTo(verb: string, request: unknown): unknown {
  if (!Object.hasOwn(work, verb)) throw new Error(`the child of DuckDB was asked to ${JSON.stringify(verb)}`)
  // The parent is the same version of the same program, and wrote the request by the same types.
  return (work[verb as Verb] as (request: unknown) => unknown)(request)
}
