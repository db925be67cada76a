// DuckDB: a database that is one file, which one program has open for writing, or many for reading.

import { pathToFileURL } from 'node:url'
import type { Bytes } from '../base/bytes.ts'
import { Secret } from '../base/secret.ts'
import { through, throughTarFile } from '../base/tar-file.ts'
import { ask } from './duckdb/ask.ts'
import { dump, factsOf, MEMBER, surveyOf, tableRows } from './duckdb/dump.ts'
import { fileCheck } from './duckdb/header.ts'
import { load } from './duckdb/load.ts'
import { pieces } from './duckdb/pieces.ts'
import { PATIENCE, recipe } from './duckdb/recipe.ts'
import { checkSql } from './duckdb/sql-ends.ts'
import type { Engine, Facts, Format, Settings, Survey, Target } from './engine.ts'

// A file is of any version of DuckDB that is not older than the one that made it.
const db: Format = {
  name: 'db',
  extension: '.db',
  fills: 'asleep',
  kind: 'logical',
  byHand: (file) => [`cp ${file} NEW.duckdb`],
}

const sql: Format = {
  name: 'sql',
  extension: '.sql',
  fills: 'asleep',
  kind: 'logical',
  byHand: (file) => [`duckdb -bail NEW.duckdb < ${file}`],
}

const tar: Format = {
  name: 'tar',
  extension: '.tar',
  fills: 'asleep',
  kind: 'logical',
  byHand: (file) => [`tar -xOf ${file} ${MEMBER} > NEW.duckdb`],
}

export const duckdb: Engine = {
  name: 'duckdb',
  title: 'DuckDB',
  counts: { what: 'row', of: 'table' },
  formats: [db, sql, tar],
  recipe,
  settings,
  uri: (_endpoint, path) => pathToFileURL(path).href.replace(/^file:/, 'duckdb:'),
  inspect,
  concerns: () => Promise.resolve([]),
  survey,
  dump,
  load,
  pieces,
  tableRows: (format, file, table, scratch, signal) => (format.name === 'db' ? tableRows(file, table, scratch, signal) : null),
  check,
}

// A file has no users, no password, and nothing that could be set from outside.
function settings(environment: Readonly<Record<string, string>>): Settings {
  return { user: '', password: new Secret(''), database: '', server: {}, unknown: Object.keys(environment) }
}

async function inspect(target: Target): Promise<Facts> {
  return factsOf(await ask('inspect', { file: target.path, patience: PATIENCE }))
}

async function survey(target: Target, depth: 'outline' | 'rows', signal: AbortSignal): Promise<Survey> {
  return surveyOf(await ask('survey', { file: target.path, patience: PATIENCE, rows: depth === 'rows' }, { signal }))
}

function check(format: Format, bytes: Bytes): Bytes {
  if (format.name === 'sql') return checkSql(bytes)
  return format.name === 'tar' ? throughTarFile(bytes, fileCheck()) : through(bytes, fileCheck())
}
