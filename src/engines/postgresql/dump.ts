// The dump: one SQL file of the whole server, of one instant. Roles first; then the main database, without its name; then
// every other database, made by the file; at last the settings of roles, and a line that says that this is all.

import { text, type Bytes } from '../../base/bytes.ts'
import { HayaiError } from '../../base/errors.ts'
import { words, type Landing } from '../../base/landing.ts'
import { closedAtItsEnd, notToItsEnd } from '../../base/reading.ts'
import type { Census, Dump, Endpoint, Outline as Structure, Outlined, Ready, Target } from '../engine.ts'
import {
  countRoles,
  databaseCensus,
  isTouched,
  joined,
  listDatabases,
  outline,
  readServer,
  settingsInForce,
  type Outline,
  type Server,
} from './catalog.ts'
import { bulkTables, type Table } from './bulk.ts'
import { content } from './content.ts'
import { endLine, headLine } from './marks.ts'
import { databaseNotes, serverNotes, templateNotes } from './notes.ts'
import { connectTo, createDatabase, databaseProperties, readMaking } from './properties.ts'
import { joinedOutlines, readOutline } from './outline.ts'
import { createRoles, roleSettings } from './roles.ts'
import { connect, endpointOf, type Session } from './session.ts'
import { comment, shown } from './sql.ts'

/** One database of the server, held at the instant by the transaction of its session. */
interface Part {
  readonly session: Session
  readonly prefix: string
  readonly snapshot: string
  readonly outline: Outline
  /** Statements of ours before and after what pg_dump says. */
  readonly before: string
  readonly after: string
  /** In which statements of ours reach it, so that names which all databases share stay as the main one wrote them. */
  readonly encoding: string
  readonly size: number
  readonly large: readonly Table[]
  /** What the manifest says besides; asked while the bytes are on their way, on which the caller waits. */
  readonly describe: () => Promise<Described>
}

interface Described {
  readonly structure: Structure
  readonly notes: readonly string[]
}

interface Held {
  readonly instant: Date
  readonly parts: readonly Part[]
  readonly first: string
  readonly last: string
  /** One more connection; closed with the others. */
  readonly open: (database: string) => Promise<Session>
  readonly describe: () => Promise<Omit<Outlined, 'census'> & { readonly roles: Readonly<Record<string, number>> }>
}

export async function dump(target: Target, outer: AbortSignal, ready: Ready = atOnce): Promise<Dump> {
  const closing = new AbortController()
  const signal = AbortSignal.any([outer, closing.signal])
  const sessions: Session[] = []
  const close = async (): Promise<void> => {
    await Promise.all(sessions.splice(0).map((session) => session.close()))
    closing.abort(notToItsEnd())
  }
  try {
    const held = await hold(target, sessions, signal, ready)
    const facts = Promise.withResolvers<Outlined>()
    facts.promise.catch(() => {}) // whoever asks for the facts hears of it
    const read = (into?: Landing): Bytes => closedAtItsEnd(write({ target, held, signal, tell: facts.resolve, into }), close, facts.reject)
    return {
      instant: held.instant,
      bytes: read(),
      land: read,
      facts: () => facts.promise,
      expectedBytes: held.parts.reduce((sum, part) => sum + part.size, 0),
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

const atOnce: Ready = () => Promise.resolve()

/** Fixes the instant: a snapshot in every database, exported so that pg_dump reads the same one. */
async function hold(target: Target, sessions: Session[], signal: AbortSignal, ready: Ready): Promise<Held> {
  const endpoint = endpointOf(target)
  const open = async (database: string): Promise<Session> => {
    const session = await connect(endpoint, { database, signal })
    sessions.push(session)
    return session
  }
  const printing = text(target.run({ program: 'pg_dump', args: ['--version'], signal })) // in a container that takes as long as to connect
  printing.catch(() => {}) // heard of below
  const main = await open(endpoint.database)
  const server = await readServer(main)
  const tool = checkedTool(await printing, server)
  const listed = await listDatabases(main)
  const others = listed.filter((each) => each.connectable && !each.template && each.name !== endpoint.database)
  const wanted = [main]
  for (const session of await Promise.all(others.map((each) => open(each.name)))) {
    if (session.database !== STOCK || (await isTouched(session))) wanted.push(session)
    else await session.close()
  }
  await Promise.all(wanted.map(begin))
  await ready('fix')
  const snapshots = await Promise.all(wanted.map(exportSnapshot))
  const instant = new Date()
  const parts: Part[] = []
  for (const [at, session] of wanted.entries())
    parts.push(await describe({ target, session, main, snapshot: snapshots[at] ?? '', login: endpoint.user }))
  return {
    instant,
    parts,
    first: `${heading(server, endpoint, parts)}${preamble()}\n${await createRoles(main, endpoint.user, server.major)}`,
    open,
    last: `\n${preamble(parts.at(-1)?.encoding)}${await roleSettings(main)}\n${endLine(parts.length)}`,
    async describe() {
      const roles = await countRoles(main)
      const notes = [...(await serverNotes(main, listed)), ...(await templateNotes(main, endpoint, signal))]
      const described: Described[] = []
      for (const part of parts) described.push(await part.describe())
      return {
        roles,
        product: PRODUCT,
        version: server.version,
        notes: [...notes, ...described.flatMap((each) => each.notes)],
        tools: { pg_dump: tool },
        settings: await settingsInForce(main),
        outline: joinedOutlines(described.map(({ structure }) => structure)),
      }
    },
  }
}

const PRODUCT = 'PostgreSQL'
const STOCK = 'postgres'

function checkedTool(printed: string, server: Server): string {
  const version = /\d\S*/.exec(printed)?.[0] ?? ''
  if (Number.parseInt(version, 10) >= server.major) return version
  throw new HayaiError(
    'ENVIRONMENT',
    `pg_dump is of version ${version || 'unknown'}, too old for this PostgreSQL ${server.version} server`,
    {
      hint: `Install the client programs of PostgreSQL ${server.major}.`,
    },
  )
}

/** What it sees is not fixed before it asks for something. */
const begin = (session: Session) => session.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')

async function exportSnapshot(session: Session): Promise<string> {
  const [row] = await session.query<{ id: string }>('SELECT pg_export_snapshot() AS id')
  if (row === undefined) throw new Error('the server exported no snapshot')
  return row.id
}

interface Describing extends Pick<Part, 'session' | 'snapshot'> {
  readonly target: Target
  readonly main: Session
  readonly login: string
}

async function describe({ target, session, main, snapshot, login }: Describing): Promise<Part> {
  const { database } = session
  const isMain = session === main
  const isMade = !isMain && database !== STOCK // `postgres` is in every server
  const [row] = await session.query<{ size: number; hasPublic: boolean }>(`
    SELECT (SELECT coalesce(sum(pg_table_size(c.oid)), 0) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema')::float8
      + 2 * pg_table_size('pg_catalog.pg_largeobject')::float8 AS size,
      EXISTS (SELECT FROM pg_namespace WHERE nspname = 'public') AS "hasPublic"`)
  const size = row?.size ?? 0
  const making = await readMaking(main, database)
  const encoding = making.encoding === (await readMaking(main, main.database)).encoding ? 'UTF8' : making.encoding
  // A new database has this schema, and pg_dump does not say that here it was dropped.
  const withoutPublic = row?.hasPublic === false ? 'DROP SCHEMA IF EXISTS public;\n' : ''
  const arrival = `${preamble()}${isMade ? createDatabase(database, making) : ''}\n${connectTo(database)}`
  const after = await databaseProperties(main, database, login)
  return {
    session,
    prefix: isMain ? '' : `${shown(database)}/`,
    snapshot,
    outline: await outline(session),
    before: `\n${isMain ? '' : arrival}${withoutPublic}\n`,
    after: after === '' ? '' : `\n${preamble(encoding)}\n${after}`,
    encoding,
    size,
    large: await bulkTables(target, session, size),
    describe: async () => ({
      structure: await readOutline(session, isMain ? '' : `${shown(database)}/`),
      notes: await databaseNotes(session, isMade),
    }),
  }
}

// Before each piece of our own: what pg_dump, or a setting of the database, left behind must not change what it means.
const preamble = (encoding = 'UTF8'): string => `SET client_encoding = '${encoding}';
SET standard_conforming_strings = on;
SET client_min_messages = warning;
SET default_transaction_read_only = off;
`

function heading(server: Server, endpoint: Endpoint, parts: readonly Part[]): string {
  const [main, ...others] = parts.map((part) => JSON.stringify(part.session.database))
  return [
    headLine(server.version, parts.length),
    comment('To restore it: psql -X -v ON_ERROR_STOP=1 -d <an empty database> -f <this file>'),
    comment(`The database ${main} goes into that one${others.length === 0 ? '' : `; beside it come ${others.join(', ')}`}.`),
    comment(`Roles that are there already stay as they are. The password of ${JSON.stringify(endpoint.user)} is not in here.`),
    '\n',
  ].join('')
}

interface Writing {
  readonly target: Target
  readonly held: Held
  readonly signal: AbortSignal
  readonly tell: (facts: Outlined) => void
  readonly into: Landing | undefined
}

async function* write({ target, held, signal, tell, into }: Writing): Bytes {
  yield* words(held.first, into)
  const censuses: Census[] = []
  let described: ReturnType<Held['describe']> | undefined
  for (const part of held.parts) {
    yield* words(part.before, into)
    const { session, snapshot, size, large } = part
    const open = (): Promise<Session> => held.open(session.database)
    const { bytes, contents } = content({ target, session, snapshot, size, large, signal, into, open })
    for await (const chunk of bytes) {
      described ??= heardLater(held.describe())
      yield chunk
    }
    censuses.push(databaseCensus(part.prefix, part.outline, contents()))
    await described
    await part.session.close()
    if (part.after !== '') yield* words(part.after, into)
  }
  yield* words(held.last, into)
  const { roles, ...facts } = await (described ?? held.describe())
  tell({ ...facts, census: joined(censuses, roles) })
}

/** Whoever awaits it hears of its failure; until then it is nobody's. */
function heardLater<T>(work: Promise<T>): Promise<T> {
  work.catch(() => {})
  return work
}
