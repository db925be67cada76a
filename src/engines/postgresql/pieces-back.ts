// Single tables that came out of a snapshot go again, and those that they replaced come back, in one transaction.

import { HayaiError, isCode } from '../../base/errors.ts'
import { once } from '../../base/bytes.ts'
import { readReceipt, tablesChanged, type Digests } from '../../base/receipt.ts'
import type { TakingBack, Target, Transplanted } from '../engine.ts'
import { digestsOf, holding } from './digests.ts'
import { findAll, isTable, qualified, relations, relationShown, withChildren, type Meant, type Relation } from './pieces-find.ts'
import { dependents, dropping, type Dependents } from './pieces-live.ts'
import { beginning, execute, prepare } from './pieces-script.ts'
import { endpointOf, withSession, type Session } from './session.ts'

type Told = Pick<Transplanted, 'notes'>

export async function takeBack(from: Target | null, to: Target, back: TakingBack, signal: AbortSignal): Promise<Told> {
  const receipt = await readReceipt(back.receipt)
  if (receipt === undefined) return { notes: [] }
  return withSession(endpointOf(to), { signal }, async (live) => {
    await live.query(`SET search_path = ''`) // so that every name is told in full
    if (from === null) return inOneStep({ to, live, signal }, back, [receipt])
    return withSession(endpointOf(from), { signal }, async (twin) => {
      await twin.query(`SET search_path = ''`)
      const wanted = back.replaced.map((name) => ({ name, as: undefined }))
      const meant = await findAll(twin, live, { wanted, replace: true, db: undefined })
      const former = await digestsOf(twin, tablesIn(await treeOf(twin, meant)))
      return inOneStep({ to, live, signal }, back, [receipt, former], { from, twin, meant })
    })
  })
}

interface Live {
  readonly to: Target
  readonly live: Session
  readonly signal: AbortSignal
}

interface Before {
  readonly from: Target
  readonly twin: Session
  readonly meant: readonly Meant[]
}

async function inOneStep({ to, live, signal }: Live, back: TakingBack, known: readonly Digests[], before?: Before): Promise<Told> {
  const all = await relations(live)
  const named = (names: readonly string[]): readonly Relation[] =>
    all.filter((each) => isTable(each) && names.includes(relationShown(each)))
  const leaving = named([...back.added, ...back.replaced])
  const first = back.anyway ? '' : await unchanged(live, leaving, known)
  try {
    if (before === undefined) {
      const script = `${beginning(first)}${dropping({ incoming: [], views: [], notes: [] }, leaving)}`
      await execute(to, once(script), signal)
      return { notes: [] }
    }
    const gone = await dependentsOf(live, before, { all, replaced: named(back.replaced), added: named(back.added) })
    const prepared = await prepare({ ...before, to, live, signal }, { meant: before.meant, gone, leaving, first })
    await execute(to, prepared.script, signal)
    return { notes: await prepared.settle() }
  } catch (error) {
    if (!isCode(error, 'TOOL_FAILED') || !(error instanceof HayaiError) || !error.message.includes(SINCE)) throw error
    throw tablesChanged(leaving.map(relationShown))
  }
}

interface Tables {
  readonly all: readonly Relation[]
  readonly replaced: readonly Relation[]
  readonly added: readonly Relation[]
}

/** Other tables' keys are as they were before, also those that could not be made, or not hold for every row, meanwhile. */
async function dependentsOf(live: Session, { twin, meant }: Before, { all, replaced, added }: Tables): Promise<Dependents> {
  const now = await dependents(live, replaced)
  const then = await dependents(
    twin,
    meant.map(({ source }) => source),
  )
  const here = new Set(all.filter(isTable).map(qualified))
  const leaving = new Set(added.map(qualified))
  const incoming = now.incoming.filter((key) => !leaving.has(key.qualified))
  const again = then.incoming.filter((key) => here.has(key.qualified) && !leaving.has(key.qualified))
  return { ...now, incoming, again }
}

const SINCE = 'hayai: rows were written since'

/** Throws when rows were written since; what the transaction has to say, so that none can be written until it is over. */
async function unchanged(live: Session, leaving: readonly Relation[], known: readonly Digests[]): Promise<string> {
  if (leaving.length === 0) return ''
  const tree = await withChildren(
    live,
    leaving.map(({ oid }) => oid),
  )
  const now = await digestsOf(live, tablesIn(tree))
  const isKnown = (table: string): boolean => known.some((digests) => digests[table] === now[table])
  const changed = tree.filter((table) => now[qualified(table)] !== undefined && !isKnown(qualified(table)))
  if (changed.length > 0) throw tablesChanged(changed.map(relationShown))
  const lock = `LOCK TABLE ${leaving.map(qualified).join(', ')} IN ACCESS EXCLUSIVE MODE;\n`
  return (
    lock +
    Object.entries(now)
      .map(([table, digest]) => holding(table, [digest], SINCE))
      .join('')
  )
}

async function treeOf(twin: Session, meant: readonly Meant[]): Promise<readonly Relation[]> {
  return withChildren(
    twin,
    meant.map(({ source }) => source.oid),
  )
}

const tablesIn = (tree: readonly Relation[]): readonly string[] => tree.filter(({ kind }) => kind === 'r').map(qualified)
