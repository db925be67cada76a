// prune: verdicts first (src/snapshots/retention.ts), then what goes is deleted like anything else: it can come back.

import { HayaiError, isCode } from '../base/errors.ts'
import { resolve } from 'node:path'
import { exists } from '../base/files.ts'
import { checkName } from '../base/names.ts'
import { hasRules, judge, type Item } from '../snapshots/retention.ts'
import type { Context } from './context.ts'
import { sweepDeleted, throwAway, type OnShelf } from './discard.ts'
import { alone, viewNamed } from './keeping.ts'
import type { PruneAnswer, PruneRequest } from './keeping-answers.ts'
import { isWhole, type Own } from './latest.ts'
import { shelfOf, viewOf, type Shelf } from './library.ts'
import { makeOwnFolder } from '../project/catalog.ts'

/** Of one folder, the project's own when none is named. Files without a readable manifest are not looked at. */
export async function prune(context: Context, request: PruneRequest): Promise<PruneAnswer> {
  refuseEmpty(request)
  const asked = (request.databases ?? []).map((name) => checkName(name))
  await makeOwnFolder(context.root)
  const shelf = shelfOf(context, request.folder === undefined ? context.paths.snapshots : resolve(request.folder))
  const own = (await shelf.repository.list()).filter((listed) => listed.kind === 'snapshot')
  const candidates = asked.length === 0 ? own : own.filter(({ manifest }) => asked.includes(manifest.database))
  const unknown = asked.find((name) => !own.some(({ manifest }) => manifest.database === name))
  if (unknown !== undefined) {
    throw new HayaiError('NOT_FOUND', `there is no snapshot of "${unknown}" in ${shelf.folder}`, { hint: 'hayai snapshot list' })
  }
  const items = await Promise.all(candidates.map((listed) => itemOf(context, shelf, listed)))
  const judged = judge(items, request.policy)
  const verdicts = judged.map(({ item, keep, reasons }) => ({ snapshot: viewOf(shelf.folder, item.listed), keep, reasons }))
  const going = judged.filter(({ keep }) => !keep).map(({ item }) => item.onShelf)
  const deleted = going.map(viewNamed)
  const answer = { verdicts, deleted, bytes: deleted.reduce((sum, { bytes }) => sum + bytes, 0), dryRun: request.dryRun === true }
  if (answer.dryRun || going.length === 0) return { ...answer, undo: null, until: null }
  const { undo, until } = await throwAway(context, going, 'prune')
  await sweepDeleted(context)
  return { ...answer, undo, until }
}

function refuseEmpty({ policy }: PruneRequest): void {
  if (hasRules(policy)) return
  throw new HayaiError('USAGE', 'prune needs to know what to keep', {
    hint: 'For example: hayai prune --keep-last 3 --daily 7 --weekly 4 --monthly 12 --dry-run',
  })
}

interface Candidate extends Item {
  readonly listed: Own
  readonly onShelf: OnShelf
}

async function itemOf(context: Context, shelf: Shelf, listed: Own): Promise<Candidate> {
  const { manifest, stem } = listed
  return { ...(await judged(context, listed)), listed, onShelf: { ...shelf, stem, manifest } }
}

/** What the rules of retention look at. */
export async function judged(context: Context, listed: Own): Promise<Item> {
  const { manifest } = listed
  return {
    id: manifest.id,
    database: manifest.database,
    time: new Date(manifest.instant),
    pinned: manifest.pinned,
    good: isWhole(listed),
    proven: manifest.verification?.ok === true,
    use: await useOf(context, manifest.id),
  }
}

/** What is being done with a snapshot, or a backup, just now. */
export async function useOf(context: Context, id: string): Promise<string | undefined> {
  if (!(await exists(context.paths.snapshotLock(id)))) return undefined // nobody ever read it
  try {
    await alone(context, id, 'looking whether it is being read', () => Promise.resolve())
    return undefined
  } catch (error) {
    if (isCode(error, 'LOCKED')) return 'in use just now, by a restore or a verification'
    throw error
  }
}
