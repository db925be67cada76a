// delete and undelete: snapshots go into their store's trash, and come back from there until their grace period ends.

import { rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { HayaiError, isCode } from '../base/errors.ts'
import { NAME_PATTERN } from '../base/names.ts'
import { changeCatalog, withEvent } from '../project/catalog.ts'
import { announce, bringBack, discard, discards, expire, type Discard, type Discarded } from '../snapshots/trash.ts'
import { clearUp } from '../snapshots/unfinished.ts'
import type { SnapshotView } from './answers.ts'
import { audit } from './audit.ts'
import type { Context } from './context.ts'
import { GRACE_DAYS } from './grace.ts'
import { alone, findOwn, viewNamed } from './keeping.ts'
import type { DeleteAnswer, DeletedView, DeleteRequest, UndeleteAnswer, UndeleteRequest } from './keeping-answers.ts'
import { isWhole, refreshLatest } from './latest.ts'
import { changingSnapshots, shelfOf, shelvesOf, type Shelf } from './library.ts'
import type { Named } from '../snapshots/renaming.ts'

export type OnShelf = Shelf & Named

export async function deleteSnapshots(context: Context, request: DeleteRequest): Promise<DeleteAnswer> {
  const { folder, latest } = request
  const chosen = new Map<string, OnShelf>()
  for (const reference of request.references) {
    const found = await findOwn(context, { reference, ...(latest !== undefined && { latest }), ...(folder !== undefined && { folder }) })
    refusePinned(found)
    chosen.set(`${found.folder}/${found.stem}`, found)
  }
  const going = [...chosen.values()]
  const dryRun = request.dryRun === true
  const bare = await bareAfter(going)
  const deleted = going.map(viewNamed)
  const answer = { deleted, bytes: deleted.reduce((sum, { bytes }) => sum + bytes, 0), bare, dryRun }
  if (dryRun) return { ...answer, undo: null, until: null }
  const { undo, until } = await throwAway(context, going, 'snapshot delete')
  return { ...answer, undo, until }
}

function refusePinned({ stem, manifest }: Named): void {
  if (!manifest.pinned) return
  throw new HayaiError('WRONG_STATE', `${stem} is pinned, so that nobody deletes it by mistake`, {
    hint: `hayai snapshot unpin ${manifest.id.slice(0, 8)}`,
  })
}

/** Databases that have whole snapshots in these folders, and would have none any more. */
async function bareAfter(going: readonly OnShelf[]): Promise<readonly string[]> {
  const left = new Set<string>()
  for (const { folder, repository } of new Map(going.map((each) => [each.folder, each])).values()) {
    const stems = new Set(going.filter((each) => each.folder === folder).map(({ stem }) => stem))
    for (const each of await repository.list()) if (isWhole(each) && !stems.has(each.stem)) left.add(each.manifest.database)
  }
  return [...new Set(going.map(({ manifest }) => manifest.database))].filter((database) => !left.has(database))
}

/**
 * Into the trash, all of them or none but by a crash; LOCKED when one is being read. `hayai undo` then brings them back, unless it was
 * nobody's deed: what a schedule deletes at night is not what a person means in the morning.
 */
export async function throwAway(context: Context, going: readonly OnShelf[], verb: string, byPerson = true) {
  const until = new Date(Date.now() + GRACE_DAYS * 24 * 3600 * 1000)
  const ids = await changingSnapshots(context, `${verb} of ${going.length}`, async () => {
    for (const { stem, manifest } of going) await alone(context, manifest.id, `deleting ${stem}`, () => Promise.resolve())
    const done: string[] = []
    for (const folder of new Set(going.map((each) => each.folder))) {
      const here = going.filter((each) => each.folder === folder)
      done.push((await throwAwayFrom(context, folder, here, until, byPerson)).id)
    }
    return done
  })
  for (const { stem, manifest } of going) await audit(context, verb, manifest.database, { id: manifest.id, name: stem, until })
  return { undo: `hayai snapshot undelete ${ids.join(' ')}`, until: until.toISOString() }
}

async function throwAwayFrom(
  context: Context,
  folder: string,
  going: readonly OnShelf[],
  until: Date,
  byPerson: boolean,
): Promise<Discard> {
  const store = context.parts.openFolder(folder)
  await clearUp(store)
  const stems = new Set(going.map(({ stem }) => stem))
  const rest = (await shelfOf(context, folder).repository.list()).flatMap((each) =>
    each.kind === 'snapshot' && !stems.has(each.stem) ? each.manifest.files.map(({ name }) => name) : [],
  )
  const record = await announce(store, going, until)
  if (byPerson) {
    await changeCatalog(context.root, `noting what is deleted from ${folder}`, (catalog) =>
      withEvent(catalog, 'deleted', eventName(going), new Date(), record.id),
    )
  }
  for (const each of record.snapshots) {
    await alone(context, each.id, `deleting ${each.stem}`, () => discard(store, record, each, new Set(rest)))
  }
  await refreshLatest(context, folder, [...new Set(going.map(({ manifest }) => manifest.database))])
  return record
}

/** A snapshot from elsewhere may be of a database whose name cannot be one here. */
function eventName(going: readonly OnShelf[]): string {
  return going.map(({ manifest }) => manifest.database).find((name) => NAME_PATTERN.test(name)) ?? 'snapshot'
}

interface Waiting {
  readonly shelf: Shelf
  readonly record: Discard
}

async function everythingDeleted(context: Context, folder: string | undefined): Promise<readonly Waiting[]> {
  const shelves = folder === undefined ? await shelvesOf(context) : [shelfOf(context, resolve(folder))]
  const found = await Promise.all(
    shelves.map(async (shelf) => (await discards(context.parts.openFolder(shelf.folder))).map((record) => ({ shelf, record }))),
  )
  return found.flat()
}

export async function deletedSnapshots(context: Context, folder: string | undefined): Promise<readonly DeletedView[]> {
  const waiting = await everythingDeleted(context, folder)
  return waiting.flatMap(({ shelf, record }) =>
    record.snapshots.map(({ id, database, stem, instant }) => ({
      id,
      database,
      name: stem,
      created: instant,
      deletedAt: record.at,
      until: record.until,
      folder: shelf.folder,
      undo: `hayai snapshot undelete ${id.slice(0, 12)}`,
    })),
  )
}

export async function undeleteSnapshots(context: Context, request: UndeleteRequest): Promise<UndeleteAnswer> {
  const waiting = await everythingDeleted(context, request.folder)
  const chosen = request.references.map((reference) => chosenBy(reference, waiting))
  const dryRun = request.dryRun === true
  const returned: SnapshotView[] = []
  for (const { shelf, record, snapshots } of chosen) {
    if (dryRun) returned.push(...snapshots.map((each) => viewOfDiscarded(shelf.folder, each)))
    else returned.push(...(await undelete(context, shelf, record, snapshots)))
  }
  return { returned, dryRun }
}

async function undelete(
  context: Context,
  shelf: Shelf,
  record: Discard,
  snapshots: readonly Discarded[],
): Promise<readonly SnapshotView[]> {
  const store = context.parts.openFolder(shelf.folder)
  const back = await changingSnapshots(context, `bringing back ${snapshots.length} snapshots`, async () => {
    await clearUp(store)
    const done = await bringBack(
      store,
      record,
      snapshots.map(({ id }) => id),
    )
    await refreshLatest(context, shelf.folder, [...new Set(snapshots.map(({ database }) => database))])
    return done
  })
  if (snapshots.length === record.snapshots.length) await forgetDeletion(context, record.id)
  for (const { id, stem, database } of back) await audit(context, 'snapshot undelete', database, { id, name: stem })
  return Promise.all(back.map(async ({ stem }) => viewNamed(await findOwn(context, { reference: `${stem}.json`, folder: shelf.folder }))))
}

async function forgetDeletion(context: Context, id: string): Promise<void> {
  await changeCatalog(context.root, 'noting that a deletion is over', (catalog) => ({
    ...catalog,
    history: catalog.history.filter(({ deletion }) => deletion !== id),
  }))
}

function chosenBy(reference: string, waiting: readonly Waiting[]): Waiting & { readonly snapshots: readonly Discarded[] } {
  const [whole] = waiting.filter(({ record }) => record.id === reference)
  if (whole !== undefined) return { ...whole, snapshots: whole.record.snapshots }
  const means = ({ id, stem, files }: Discarded): boolean =>
    stem === reference || files.includes(reference) || (reference.length >= 4 && id.startsWith(reference))
  for (const each of waiting) {
    const snapshots = each.record.snapshots.filter(means)
    if (snapshots.length > 0) return { ...each, snapshots: snapshots.slice(0, 1) }
  }
  throw new HayaiError('NOT_FOUND', `no deleted snapshot is called ${JSON.stringify(reference)}`, {
    hint: 'Run `hayai snapshot list --deleted` to see those that can come back.',
  })
}

/** Deletes for good what has waited for long enough, wherever this project keeps snapshots. */
export async function sweepDeleted(context: Context, now = new Date()): Promise<void> {
  for (const { folder } of await shelvesOf(context)) {
    const over = await expire(context.parts.openFolder(folder), now).catch((error: unknown) => {
      if (isCode(error, 'STORE_FAILED')) return [] // a folder that is not there today, or cannot be written to, is left for later
      throw error
    })
    for (const { id: deletion, snapshots } of over) {
      await forgetDeletion(context, deletion)
      for (const { id, stem, database } of snapshots) {
        await rm(context.paths.snapshotLock(id), { force: true })
        await audit(context, 'expire', database, { id, name: stem })
      }
    }
  }
}

function viewOfDiscarded(folder: string, { stem, id, database, instant, files }: Discarded): SnapshotView {
  return {
    id,
    database,
    engine: '',
    format: '',
    path: `${folder}/${files[0] ?? stem}`,
    bytes: 0,
    created: instant,
    comment: null,
    tags: [],
    verified: null,
    foreign: false,
    manifest: null,
  }
}
