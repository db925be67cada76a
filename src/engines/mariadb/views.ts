// Views are written by us and not by the dump program, which dies of a view that is broken, and names the main database in one
// whose owner is gone. Views that mention no database go in as the server shows them, within the part of the main database; all
// others after everything else, with the main database under whatever name it has there.
//
// Nobody can look through a view whose owner is not there, or has no rights (yet); so no other view can be made on top of it. A
// view that others need is therefore made twice: first as a stand-in that belongs to whoever restores, and then, when all that
// need it are there, as what it is.

import { HayaiError } from '../../base/errors.ts'
import type { Table } from './catalog.ts'
import { key } from './passage.ts'
import { errorNumber, errorWords, type Session } from './session.ts'
import { literal, MAIN, name, statement, tokens, unquoted, type Part } from './sql.ts'

export interface Views {
  /** To be said in the main database, after its tables. */
  readonly inMain: string
  /** To be said after all databases. */
  readonly after: string
  readonly broken: readonly Broken[]
}

/** A view that nobody can look into, for what it is made of is gone: it cannot be created again. */
export interface Broken {
  readonly table: Table
  readonly why: string
}

interface View {
  readonly table: Table
  readonly key: string
  /** As it is shown within its own database. */
  readonly compact: Shown
  /** As it is shown elsewhere: every table with its database. */
  readonly full: Shown
  readonly client: string
  readonly collation: string
  /** The views that it looks into, by key. */
  readonly needs: readonly string[]
}

/** The pieces of a CREATE VIEW statement. */
interface Shown {
  readonly algorithm: string
  readonly definer: string
  readonly security: string
  readonly name: string
  readonly body: string
  readonly check: string
}

export async function readViews(session: Session, databases: readonly string[], tables: readonly Table[]): Promise<Views> {
  const [main = ''] = databases
  const routines = await session.query<Routine>(
    'SELECT ROUTINE_SCHEMA AS `database`, ROUTINE_NAME AS name FROM information_schema.ROUTINES',
  )
  const found = await showAll(session, tables, routines)
  const known = new Set([...tables, ...routines].filter(({ database }) => database === main).map((each) => each.name))
  const { sound, broken } = await sift(session, found)
  const { inMain, after } = divide(sound, main, databases)
  return {
    inMain: written(
      inMain,
      ({ compact }) => compact,
      (text) => [text],
    ),
    after: written(
      after,
      ({ full }) => full,
      (text) => renamed(text, main, known),
    ),
    broken,
  }
}

interface Routine {
  readonly database: string
  readonly name: string
}

async function showAll(session: Session, tables: readonly Table[], routines: readonly Routine[]): Promise<readonly View[]> {
  const all = tables.filter(({ kind }) => kind === 'view')
  const known = new Set(all.map((table) => key(table.database, table.name)))
  const views: View[] = []
  for (const table of all) {
    const at = key(table.database, table.name)
    const here = await show(session, table, table.database)
    const away = await show(session, table, 'information_schema')
    const full = qualified(parsed(away['Create View']), table.database, routines)
    const needs = mentions(full.body)
      .map(([database, view]) => key(database, view))
      .filter((each) => known.has(each) && each !== at)
    views.push({
      table,
      key: at,
      compact: parsed(here['Create View']),
      full,
      client: here.character_set_client,
      collation: here.collation_connection,
      needs: [...new Set(needs)],
    })
  }
  return inOrder(views)
}

interface ShowCreateView {
  readonly 'Create View': string
  readonly character_set_client: string
  readonly collation_connection: string
}

async function show(session: Session, table: Table, from: string): Promise<ShowCreateView> {
  await session.query(`USE ${name(from)}`)
  const [row] = await session.query<ShowCreateView>(`SHOW CREATE VIEW ${name(table.database)}.${name(table.name)}`)
  if (row === undefined)
    throw new HayaiError('TOOL_FAILED', `the server does not show the view ${name(table.database)}.${name(table.name)}`)
  return row
}

const QUOTED = '`(?:[^`]|``)*`'
const CREATE = new RegExp(
  `^CREATE (ALGORITHM=\\w+) (DEFINER=${QUOTED}(?:@${QUOTED})?) (SQL SECURITY \\w+) VIEW ${QUOTED}(?:\\.${QUOTED})?( \\((?:${QUOTED},?)+\\))? AS ([\\s\\S]*?)( WITH (?:CASCADED|LOCAL) CHECK OPTION)?$`,
)

function parsed(text: string): Shown {
  const [, algorithm, definer = '', security = '', columns = '', body = '', check = ''] = CREATE.exec(text) ?? []
  if (algorithm === undefined)
    throw new HayaiError('TOOL_FAILED', `the server shows a view in a way that cannot be read: ${text.slice(0, 200)}`)
  return { algorithm, definer, security, name: columns, body, check }
}

/** A function of the same database is shown without it, everywhere. */
function qualified(shown: Shown, database: string, routines: readonly Routine[]): Shown {
  const here = new Set(routines.filter((routine) => routine.database === database).map((routine) => routine.name.toLowerCase()))
  const all = tokens(shown.body)
  const isCall = (token: string, at: number): boolean =>
    isQuoted(token) && (all[at + 1] ?? '').startsWith('(') && !(all[at - 1] ?? '').endsWith('.') && here.has(unquoted(token).toLowerCase())
  return { ...shown, body: all.map((token, at) => (isCall(token, at) ? `${name(database)}.${token}` : token)).join('') }
}

/** What a text names as `database`.`thing`, whether that is what it means or not. */
function mentions(text: string): readonly (readonly [string, string])[] {
  const found: (readonly [string, string])[] = []
  const all = tokens(text)
  for (const [at, token] of all.entries()) {
    const next = all[at + 2]
    if (isQuoted(token) && all[at + 1] === '.' && next !== undefined && isQuoted(next) && all[at - 1] !== '.')
      found.push([unquoted(token), unquoted(next)])
  }
  return found
}

const isQuoted = (token: string): boolean => token.length > 1 && token.startsWith('`')

/** Those that others need come first. Views cannot need each other in a circle. */
function inOrder(views: readonly View[]): readonly View[] {
  const done = new Map<string, View>()
  const byKey = new Map(views.map((view) => [view.key, view]))
  const take = (view: View, above: ReadonlySet<string>): void => {
    if (done.has(view.key) || above.has(view.key)) return
    for (const need of view.needs) {
      const needed = byKey.get(need)
      if (needed !== undefined) take(needed, new Set([...above, view.key]))
    }
    done.set(view.key, view)
  }
  for (const view of views) take(view, new Set())
  return [...done.values()]
}

/** Tries whether what each view is made of is there. */
async function sift(
  session: Session,
  views: readonly View[],
): Promise<{ readonly sound: readonly View[]; readonly broken: readonly Broken[] }> {
  const sound: View[] = []
  const broken = new Map<string, Broken>()
  const closed = new Set<string>() // nobody can look through it, but for reasons of its owner
  for (const view of views) {
    const problem = await problemOf(session, view.full.body)
    const blameless = problem === undefined || (view.needs.some((need) => closed.has(need)) && !view.needs.some((need) => broken.has(need)))
    if (!blameless) {
      broken.set(view.key, { table: view.table, why: problem })
      continue
    }
    sound.push(view)
    const through = await problemOf(session, `SELECT 1 FROM ${name(view.table.database)}.${name(view.table.name)}`)
    if (through !== undefined) closed.add(view.key)
  }
  return { sound, broken: [...broken.values()] }
}

async function problemOf(session: Session, query: string): Promise<string | undefined> {
  try {
    await session.query(`PREPARE hayai FROM ${literal(query)}`)
    await session.query('DEALLOCATE PREPARE hayai')
    return undefined
  } catch (error) {
    if (errorNumber(error) === undefined) throw error
    return errorWords(error)
  }
}

/** What goes with the main database: views that mention none, and that no view needs or is needed by that does. */
function divide(
  views: readonly View[],
  main: string,
  databases: readonly string[],
): { readonly inMain: readonly View[]; readonly after: readonly View[] } {
  const plain = ({ table, compact }: View): boolean =>
    table.database === main && !mentions(compact.body).some(([database]) => databases.includes(database))
  const apart = new Set(views.filter((view) => !plain(view)).map((view) => view.key))
  for (let before = -1; before !== apart.size;) {
    before = apart.size
    for (const view of views) {
      if (view.needs.some((need) => apart.has(need))) apart.add(view.key)
      if (apart.has(view.key)) for (const need of view.needs) apart.add(need)
    }
  }
  return { inMain: views.filter((view) => !apart.has(view.key)), after: views.filter((view) => apart.has(view.key)) }
}

function written(views: readonly View[], shown: (view: View) => Shown, parts: (text: string) => readonly Part[]): string {
  const needed = new Set(views.flatMap((view) => view.needs))
  const standIns = views.filter((view) => needed.has(view.key))
  const title = (view: View): string =>
    shown(view) === view.compact ? name(view.table.name) : `${name(view.table.database)}.${name(view.table.name)}`
  const first = standIns.map((view) => {
    const { algorithm, name: columns, body } = shown(view)
    return inItsCharacters(view, parts(`CREATE ${algorithm} SQL SECURITY INVOKER VIEW ${title(view)}${columns} AS ${body}`))
  })
  const last = views.toReversed().map((view) => {
    const { algorithm, definer, security, name: columns, body, check } = shown(view)
    const create = needed.has(view.key) ? 'CREATE OR REPLACE' : 'CREATE'
    return inItsCharacters(view, parts(`${create} ${algorithm} ${definer} ${security} VIEW ${title(view)}${columns} AS ${body}${check}`))
  })
  return [...first, ...last].join('')
}

/** A view remembers in which characters it was written, and compares its texts accordingly. */
function inItsCharacters({ client, collation }: View, parts: readonly Part[]): string {
  const ascii = parts.every((part) => typeof part !== 'string' || /^[\0-\x7f]*$/.test(part))
  const characters = ascii || client.startsWith('utf8') ? client : 'utf8mb4'
  const settings = `SET character_set_client = ${characters}, collation_connection = ${collation};\n`
  return statement(parts, settings) + (characters === 'utf8mb4' ? '' : 'SET NAMES utf8mb4;\n')
}

/** The text with the main database's name left open, where it is that name and not another thing's that is called the same. */
function renamed(text: string, main: string, known: ReadonlySet<string>): readonly Part[] {
  const all = tokens(text)
  const parts: Part[] = []
  let open = ''
  for (const [at, token] of all.entries()) {
    const next = all[at + 2] ?? ''
    const names = isQuoted(token) && unquoted(token) === main && all[at + 1] === '.' && all[at - 1] !== '.'
    if (names && (all[at + 3] === '.' || known.has(unquoted(next)))) {
      parts.push(open, MAIN)
      open = ''
    } else open += token
  }
  return [...parts, open]
}
