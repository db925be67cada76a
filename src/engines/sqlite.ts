// SQLite: a database that is one file, and that any program may have open at any time.

import { pathToFileURL } from 'node:url'
import type { Bytes } from '../base/bytes.ts'
import { run } from '../base/exec.ts'
import { Secret } from '../base/secret.ts'
import { through, throughTarFile } from '../base/tar-file.ts'
import type { Engine, Facts, Format, Settings, Survey, Target } from './engine.ts'
import { ask, childFor } from './sqlite/ask.ts'
import { dump, factsOf, MEMBER, surveyOf } from './sqlite/dump.ts'
import { fileCheck } from './sqlite/header.ts'
import { load } from './sqlite/load.ts'
import { pieces } from './sqlite/pieces.ts'
import { PATIENCE, recipe } from './sqlite/recipe.ts'
import { checkSql } from './sqlite/sql-ends.ts'

const db: Format = {
  name: 'db',
  extension: '.db',
  fills: 'asleep',
  kind: 'physical',
  byHand: (file) => [`sqlite3 NEW.db ".restore ${file}"`],
}

const sql: Format = {
  name: 'sql',
  extension: '.sql',
  fills: 'asleep',
  kind: 'logical',
  byHand: (file) => [`sqlite3 NEW.db < ${file}`],
}

// Every version reads the files of every other one.
const tar: Format = {
  name: 'tar',
  extension: '.tar',
  fills: 'asleep',
  kind: 'logical',
  byHand: (file) => [`tar -xOf ${file} ${MEMBER} > NEW.db`],
}

export const sqlite: Engine = {
  name: 'sqlite',
  title: 'SQLite',
  counts: { what: 'row', of: 'table' },
  formats: [db, sql, tar],
  recipe,
  settings,
  uri: (_endpoint, path) => pathToFileURL(path).href.replace(/^file:/, 'sqlite:'),
  inspect,
  concerns: () => Promise.resolve([]),
  survey,
  dump,
  load,
  pieces,
  tableRows: (format, file, table, _scratch, signal) => (format.name === 'db' ? run(childFor('writeRows', { file, table }, signal)) : null),
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
