// In the child: macros as SQL text. No catalog of DuckDB tells the defaults of their parameters; only an export does. So the schema
// alone is copied into memory, and that, which has no rows, is exported.

import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { messageOf } from '../../base/errors.ts'
import { numberIn, OWN } from './census.ts'
import { quoted, quotedText, type Database } from './connection.ts'
import { unwritable } from './literals.ts'

export async function macrosOf(db: Database, name: string, spill: string): Promise<readonly string[]> {
  if ((await numberIn(db, `SELECT count(*) FROM duckdb_functions() WHERE ${OWN} AND function_type IN ('macro', 'table_macro')`)) === 0)
    return []
  const copy = quoted(`hayai_${randomBytes(8).toString('hex')}`)
  const folder = join(dirname(spill), `export-${process.pid}`)
  mkdirSync(folder, { recursive: true })
  try {
    await db.run(`ATTACH ':memory:' AS ${copy} (STORAGE_VERSION 'latest')`)
    await db.run(`COPY FROM DATABASE ${quoted(name)} TO ${copy} (SCHEMA)`)
    await db.run(`EXPORT DATABASE ${copy} TO ${quotedText(folder)}`)
    // A statement of it ends with two semicolons. It cannot be cut by the rules of SQL: an enum's values are not quoted as they must be.
    const exported = readFileSync(join(folder, 'schema.sql'), 'utf8').split(/;;+\n/)
    return exported.filter((each) => each.startsWith('CREATE MACRO ')).map((each) => `${each};`)
  } catch (error) {
    throw unwritable('a macro', messageOf(error).split('\n')[0] ?? '', error)
  } finally {
    rmSync(folder, { recursive: true, force: true })
    await db.run(`DETACH DATABASE IF EXISTS ${copy}`)
  }
}
