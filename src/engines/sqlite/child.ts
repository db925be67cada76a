// The process in which SQLite runs: `node child.ts <verb> <request>`, or `standing` for one question after the other.
// protocol.ts tells what it can be asked.

import { writeSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { answerAsAsked } from '../../base/answering.ts'
import { countAll } from './census.ts'
import { explained, openLive, patiently } from './connection.ts'
import { copyAndCheck } from './copy.ts'
import { exchange, keep, permission } from './exchange.ts'
import { bears, check, create, look, recognise, unmark } from './file.ts'
import { digestsOf, outlineOf } from './outline.ts'
import type { Answers, Happening, Requests, Surveyed, Verb } from './protocol.ts'
import { readSql } from './read-sql.ts'
import { takeBack } from './take-back.ts'
import { findTables, transplant } from './transplant.ts'
import { trySchema, writeRows, writeSql } from './write-sql.ts'

type Work = { readonly [V in Verb]: (request: Requests[V]) => Answers[V] | void | Promise<Answers[V] | void> }

const work: Work = {
  create,
  recognise,
  look,
  inspect: ({ file, patience }) => within(file, patience, countAll),
  survey: ({ file, patience, rows }) => within(file, patience, (db) => surveyed(db, rows)),
  copy: (request) => copyAndCheck(request, tell, permitted),
  check,
  bears,
  unmark,
  exchange: (request) => exchange(request, () => permission(() => tell({ event: 'ready' }))),
  findTables,
  transplant: (request) => transplant(request, permitted),
  takeBack: (request) => takeBack(request, permitted),
  keep,
  trySchema: ({ file }) => trySchema(file),
  writeSql: ({ file }) => writeSql(file, print),
  writeRows: ({ file, table }) => writeRows(file, table, print),
  readSql: ({ file }) => readSql(file),
}

/** In one transaction. */
async function within<T>(file: string, patience: number, work: (db: DatabaseSync) => T): Promise<T> {
  const db = openLive(file)
  try {
    return await patiently(file, patience, () => {
      db.exec('BEGIN')
      try {
        return work(db)
      } finally {
        db.exec('ROLLBACK')
      }
    })
  } finally {
    db.close()
  }
}

function surveyed(db: DatabaseSync, rows: boolean): Surveyed {
  return { ...countAll(db), outline: outlineOf(db), digests: rows ? digestsOf(db) : null }
}

function permitted(): void {
  if (!permission(() => tell({ event: 'ready' }))) throw new Error('it is not wanted any more')
}

// Written at once and by hand: exchange() waits inside a native call, where a stream would never be emptied.
function print(line: string): void {
  for (let rest = Buffer.from(line); rest.byteLength > 0;) rest = rest.subarray(writeSync(1, rest))
}

function tell(happening: Happening): void {
  print(`${JSON.stringify(happening)}\n`)
}

/** What they print is the text itself. */
const AS_IT_IS: ReadonlySet<string> = new Set<Verb>(['writeSql', 'writeRows'])

await answerAsAsked({ work, asItIs: AS_IT_IS, explained: (error) => explained(error, ''), print })
