// The dump: one SQL file of the whole server, of one instant. Accounts first; then the main database, without its name; then every
// other database, made by the file; views that reach across; rights; and a line that says that this is all.
//
// One run of the dump program reads all databases in one transaction. Structure, and tables without transactions, are held still.

import { text, type Bytes } from '../../base/bytes.ts'
import { HayaiError } from '../../base/errors.ts'
import { closedAtItsEnd, notToItsEnd } from '../../base/reading.ts'
import type { Dump, Endpoint, Outlined, Ready, Target } from '../engine.ts'
import { readAccounts, type Accounts } from './accounts.ts'
import { censusOf, keepsRows, readOutline, readServer, type Outline, type Server, type Table, settingsInForce } from './catalog.ts'
import type { Dialect } from './dialect.ts'
import { endedOnce } from './endings.ts'
import { readExtras } from './extras.ts'
import { attended, giveWay, guard, lockTables, PATIENCE, stopWriters, type Patience } from './hold.ts'
import { endLine, headLine } from './marks.ts'
import { readNotes } from './notes.ts'
import { readOutline as readStructure } from './outline.ts'
import { passage, type Passage } from './passage.ts'
import { connect, endpointOf, innerOf, programArguments, programEnvironment, type Session } from './session.ts'
import { comment, name, REMEMBER_MAIN, tokens } from './sql.ts'
import { readViews, type Broken } from './views.ts'

interface Held {
  readonly instant: Date
  readonly guarding: Session
  readonly server: Server
  readonly outline: Outline
  readonly passage: Passage
  /** What the program has said until its transaction stood, and what it goes on to say. */
  readonly begun: readonly Uint8Array[]
  readonly program: AsyncIterator<Uint8Array>
  readonly first: string
  readonly last: string
  readonly facts: Omit<Outlined, 'census'>
}

export async function dump(
  dialect: Dialect,
  target: Target,
  outer: AbortSignal,
  ready?: Ready,
  patience: Patience = PATIENCE,
): Promise<Dump> {
  const closing = new AbortController()
  const signal = AbortSignal.any([outer, closing.signal])
  const open: (() => Promise<unknown>)[] = []
  const close = async (): Promise<void> => {
    closing.abort(notToItsEnd())
    await Promise.all(open.splice(0).map((end) => end()))
  }
  try {
    const held = await hold({ dialect, target, signal, open, patience, ready })
    const facts = Promise.withResolvers<Outlined>()
    facts.promise.catch(() => {}) // whoever asks for the facts hears of it
    return {
      instant: held.instant,
      bytes: closedAtItsEnd(write(held, facts.resolve), close, facts.reject),
      land: null,
      facts: () => facts.promise,
      expectedBytes: held.outline.tables.reduce((sum, table) => sum + table.bytes, 0),
      async close() {
        facts.reject(notToItsEnd()) // says nothing once the facts are known
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

interface Holding {
  readonly dialect: Dialect
  readonly target: Target
  readonly signal: AbortSignal
  /** What has to be ended in the end. */
  readonly open: (() => Promise<unknown>)[]
  readonly patience: Patience
  readonly ready: Ready | undefined
}

async function hold({ dialect, target, signal, open, patience, ready }: Holding): Promise<Held> {
  const endpoint = endpointOf(target)
  const session = async (): Promise<Session> => {
    const made = await connect(dialect, endpoint, { signal })
    open.push(() => made.close())
    return made
  }
  const [reading, guarding] = [await session(), await session()]
  const [server, tool] = [await readServer(reading, dialect), await toolVersion(dialect, target, signal)]
  await guard(guarding, dialect, patience, signal)
  const all = await readOutline(reading, server, endpoint.database)
  const views = await readViews(reading, all.databases, all.tables)
  const outline = without(all, views.broken)
  const structure = await readStructure(reading, server, outline)
  const early = ready !== undefined && dialect.flushShutsLocked ? undefined : await lockOthers(reading, outline, session, patience)
  const accounts = await readAccounts(reading, server, outline)
  const [inMain, alone] = [section(accounts.callsInMain) + section(views.inMain), outline.databases.length === 1]
  const counter = passage(endpoint.database, alone ? '' : inMain)
  const stopping = ready === undefined ? undefined : await session()
  await ready?.('stop')
  const stop = stopping === undefined ? undefined : await stopWriters(stopping)
  const unlocked = early ?? (await lockOthers(reading, outline, session, patience))
  const fixed = fixing(ready)
  if (stop === undefined) await fixed // with nobody stopped, it is what the program sees first
  const program = endedOnce(dialect, runProgram(server, target, all, signal))[Symbol.asyncIterator]()
  open.push(async () => program.return?.())
  const begun = await untilBegun(counter, program, dialect)
  const at = await fixed
  const instant = stop === undefined ? new Date() : at
  const blocked = await stop?.end()
  const notes = [...(await readNotes(reading, server, outline, views.broken)), ...unlocked, ...accounts.notes]
  const { first, last } = await surroundings({
    reading,
    server,
    endpoint,
    outline,
    accounts,
    views: [...(alone ? [inMain] : []), section(accounts.calls), section(views.after)],
  })
  return {
    instant,
    guarding,
    server,
    outline,
    passage: counter,
    begun,
    program,
    first,
    last,
    facts: {
      product: dialect.product,
      version: server.version,
      notes,
      tools: { [dialect.programs.dump]: tool },
      outline: structure,
      blocked,
      settings: await settingsInForce(reading, dialect),
    },
  }
}

function without(outline: Outline, broken: readonly Broken[]): Outline {
  const lost = new Set(broken.map(({ table }) => table))
  const objects = new Map(outline.objects)
  for (const { database } of lost) {
    const counts = objects.get(database)
    if (counts !== undefined) objects.set(database, { ...counts, views: (counts['views'] ?? 0) - 1 })
  }
  return { ...outline, tables: outline.tables.filter((table) => !lost.has(table)), objects }
}

async function toolVersion(dialect: Dialect, target: Target, signal: AbortSignal): Promise<string> {
  const printed = await text(target.run({ program: dialect.programs.dump, args: ['--no-defaults', '--version'], signal }))
  return /(?:Distrib|from|Ver)\s+(\d+\.\d+\.\d+)/.exec(printed)?.[1] ?? printed.trim()
}

/** Tables of engines without transactions. What cannot be locked is dumped all the same, and said. */
async function lockOthers(
  reading: Session,
  { tables }: Outline,
  session: () => Promise<Session>,
  patience: Patience,
): Promise<readonly string[]> {
  const engines = await reading.query<{ engine: string }>(
    `SELECT ENGINE AS engine FROM information_schema.ENGINES WHERE TRANSACTIONS = 'YES'`,
  )
  const transactional = new Set(engines.map(({ engine }) => engine.toLowerCase()))
  const others = tables.filter((table) => keepsRows(table) && !transactional.has(table.engine.toLowerCase()))
  if (others.length === 0 || (await lockTables(await session(), others, patience))) return []
  const list = others.map((table: Table) => `${table.name} (${table.engine})`).join(', ')
  return [
    `These tables know no transactions, and could not be locked, for a client has not finished writing to them; if it wrote on, they are not of the same instant as the others: ${list}.`,
  ]
}

/** Everything, of one instant, and nothing over what is there already. */
const WHOLE = [
  '--single-transaction',
  '--quick',
  '--hex-blob',
  '--routines',
  '--events',
  '--triggers',
  '--skip-add-drop-table',
  '--skip-add-locks', // with them a table whose default is the next number of a sequence cannot be filled
  '--skip-dump-date',
]

function runProgram({ dialect }: Server, target: Target, { databases, tables, histories }: Outline, signal: AbortSignal): Bytes {
  const endpoint = innerOf(target)
  return target.run({
    program: dialect.programs.dump,
    args: [
      ...programArguments(dialect, endpoint),
      ...WHOLE,
      ...dialect.dumpArguments,
      ...(histories.size === 0 ? [] : ['--dump-history']),
      ...tables.filter(({ kind }) => kind === 'view').map(({ database, name: view }) => `--ignore-table=${database}.${view}`),
      '--databases',
      '--',
      ...databases,
    ],
    env: programEnvironment(endpoint),
    signal,
  })
}

/** When all were ready for the instant. */
function fixing(ready: Ready | undefined): Promise<Date> {
  const fixed = (ready?.('fix') ?? Promise.resolve()).then(() => new Date())
  fixed.catch(() => {}) // heard of where it is awaited
  return fixed
}

/** Once the program has begun with the main database its transaction stands, and the instant is fixed. */
async function untilBegun(counter: Passage, program: AsyncIterator<Uint8Array>, dialect: Dialect): Promise<readonly Uint8Array[]> {
  const begun: Uint8Array[] = []
  while (!counter.begun()) {
    const next = await program.next()
    if (next.done === true) throw new HayaiError('TOOL_FAILED', `${dialect.programs.dump} claims success, but said nothing of the database`)
    begun.push(...counter.feed(next.value))
  }
  return begun
}

interface Around {
  readonly reading: Session
  readonly server: Server
  readonly endpoint: Endpoint
  readonly outline: Outline
  readonly accounts: Accounts
  /** With what has to be said before them. */
  readonly views: readonly string[]
}

async function surroundings({ reading, server, outline, endpoint, views, accounts }: Around) {
  const [main = '', ...others] = outline.databases
  const [properties] = await reading.query<Record<string, string>>(`SHOW CREATE DATABASE ${name(main)}`)
  const beside = others.length === 0 ? '' : `; beside it come ${others.map((each) => JSON.stringify(each)).join(', ')}`
  const { programs, lenient } = server.dialect
  return {
    first: [
      headLine(server.dialect, server.version, outline.databases.length),
      comment(`To restore it: ${programs.client} --binary-mode --max-allowed-packet=1G -D <an empty database> < <this file>`),
      comment(`The database ${JSON.stringify(main)} goes into that one${beside}.`),
      comment(`Accounts that are there already keep their passwords. The password of ${JSON.stringify(endpoint.user)} is not in here.`),
      '\n',
      PREAMBLE,
      lenient,
      REMEMBER_MAIN,
      alterDatabase(properties?.['Create Database'] ?? ''),
      section(await readExtras(reading)),
      section(accounts.create),
      '\n',
    ].join(''),
    last: ['\n', PREAMBLE, ...views, section(accounts.grants), '\n', endLine(outline.databases.length)].join(''),
  }
}

// Before each piece of our own: what the session was told before must not change what it means.
const PREAMBLE = `SET NAMES utf8mb4;
SET SESSION sql_mode = '', time_zone = '+00:00';
`

const section = (statements: string): string => (statements === '' ? '' : `\n${statements}`)

/** What the main database has besides its name: `ALTER DATABASE` without a name changes the one that is in use. */
function alterDatabase(shown: string): string {
  const properties = /^CREATE DATABASE `(?:[^`]|``)*`([\s\S]*)$/.exec(shown)?.[1] ?? ''
  const options = tokens(properties)
    .map((token) => (token.startsWith("'") ? token : token.replaceAll(/\/\*!\d+ | \*\//g, ' ')))
    .join('')
    .trim()
  return options === '' ? '' : `ALTER DATABASE ${options};\n`
}

async function* write(
  { begun, program, passage: counter, guarding, server, outline, first, last, facts }: Held,
  tell: (facts: Outlined) => void,
): Bytes {
  yield Buffer.from(first)
  yield* begun
  for (;;) {
    const next = await attended(program.next(), () => giveWay(guarding, server.dialect))
    if (next.done === true) break
    yield* counter.feed(next.value)
  }
  yield* counter.end()
  const passed = counter.passed()
  if (!passed.complete) throw new HayaiError('TOOL_FAILED', `${server.dialect.programs.dump} claims success, but its output has no end`)
  const census = censusOf(outline, passed)
  yield Buffer.from(last)
  tell({ ...facts, census })
}
