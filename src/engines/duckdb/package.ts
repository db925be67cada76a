// In the child: DuckDB itself, which is a package of seventy megabytes that Hayai does not bring along. It is taken from beside
// Hayai, or else from the project in which the command was typed.

import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type * as DuckDB from '@duckdb/node-api'
import { HayaiError, messageOf } from '../../base/errors.ts'

const PACKAGE = '@duckdb/node-api'
/** The first version of which all is known that is asked here. */
const OLDEST = [1, 4] as const

let loaded: Promise<typeof DuckDB> | undefined

export function duckdb(): Promise<typeof DuckDB> {
  loaded ??= load()
  return loaded
}

async function load(): Promise<typeof DuckDB> {
  const path = [import.meta.url, pathToFileURL(join(process.cwd(), 'package.json')).href].map(pathFrom).find((each) => each !== undefined)
  if (path === undefined)
    throw new HayaiError('ENVIRONMENT', `DuckDB is not installed: its package ${PACKAGE} is missing`, { hint: hint() })
  const module = await importFrom(path)
  const [major = 0, minor = 0] = numbersOf(module.version())
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return module
  throw new HayaiError('ENVIRONMENT', `DuckDB ${module.version()} is too old: Hayai needs ${OLDEST.join('.')} or newer`, { hint: hint() })
}

async function importFrom(path: string): Promise<typeof DuckDB> {
  try {
    return (await import(pathToFileURL(path).href)) as typeof DuckDB
  } catch (error) {
    throw new HayaiError('ENVIRONMENT', `DuckDB's package does not work here: ${messageOf(error).split('\n')[0] ?? ''}`, {
      hint: hint(),
      cause: error,
    })
  }
}

function pathFrom(base: string): string | undefined {
  try {
    return createRequire(base).resolve(PACKAGE)
  } catch {
    return undefined // not to be found from there
  }
}

/** Where Hayai is a package of a project, DuckDB becomes one too; else it goes where Hayai is: to the global ones. */
function hint(): string {
  const script = fileURLToPath(import.meta.url)
  const at = script.lastIndexOf('/node_modules/')
  const project = at === -1 ? undefined : script.slice(0, at)
  const local = project !== undefined && existsSync(join(project, 'package.json'))
  return local ? `Type: npm install --save-dev ${PACKAGE}` : `Type: npm install --global ${PACKAGE}`
}

function numbersOf(version: string): readonly number[] {
  return version.replace(/^v/, '').split('.').map(Number)
}

/** `1.5.6` */
export async function versionOfDuckdb(): Promise<string> {
  return (await duckdb()).version().replace(/^v/, '')
}
