// remove: the database is stopped, its data put aside for a grace period, and only then forgotten. undo brings it back.
// A file that lies outside of `.hayai` was there for others too: it is never moved or deleted.

import { rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { HayaiError } from '../base/errors.ts'
import { exists, makeFolder, syncFolder } from '../base/files.ts'
import { checkName } from '../base/names.ts'
import { changeCatalog, readCatalog, withEvent, type Catalog, type RemovedDatabase } from '../project/catalog.ts'
import { addToConfig, removeFromConfig } from '../project/config.ts'
import type { RemoveAnswer, UndoAnswer } from './answers.ts'
import { audit } from './audit.ts'
import { databaseOf, withDatabase, type Context, type Database } from './context.ts'
import { GRACE_DAYS, sweepGrace } from './grace.ts'

export interface RemoveOptions {
  readonly keepData: boolean
  readonly missingOk: boolean
  readonly dryRun: boolean
  /** `.hayaidb` goes on declaring it. */
  readonly keepDeclaration?: boolean
}

export async function remove(context: Context, name: string, options: RemoveOptions): Promise<RemoveAnswer> {
  checkName(name)
  const catalog = await readCatalog(context.root)
  if (catalog.databases[name] === undefined && options.missingOk) {
    return { removed: null, dataKept: false, undo: null, until: null, dryRun: options.dryRun }
  }
  const database = await databaseOf(context, name)
  const until = new Date(Date.now() + GRACE_DAYS * 24 * 3600 * 1000).toISOString()
  const answer = {
    removed: name,
    dataKept: options.keepData || isOutside(context, database),
    undo: `hayai undo ${name}`,
    until,
    dryRun: options.dryRun,
  }
  if (options.dryRun) return answer
  await withDatabase(context, database, { purpose: `a removal of "${name}"` }, async () => {
    await database.site.retire()
    const trash = options.keepData ? null : context.paths.trash(name, database.entry.id)
    const declaration = options.keepDeclaration === true ? null : await removeFromConfig(context.root, context.configFile, name)
    await changeCatalog(context.root, `removing "${name}"`, (current) => {
      const { [name]: record, ...databases } = current.databases
      if (record === undefined) return current
      const removed = { name, record, removedAt: new Date().toISOString(), until, trash, keptDeclaration: declaration }
      return withEvent({ ...current, databases, removed: [...current.removed, removed] }, 'removed', name)
    })
    if (trash !== null) await moveAll(belongings(context, name, trash))
  })
  await audit(context, 'remove', name, { dataKept: answer.dataKept })
  await sweepGrace(context)
  return answer
}

/** The newest removal of that name that can still be taken back. */
export function removedOf(catalog: Catalog, name: string): RemovedDatabase | undefined {
  return catalog.removed.findLast((each) => each.name === name)
}

export async function returnRemoved(context: Context, name: string, dryRun: boolean): Promise<UndoAnswer> {
  const there = removedOf(await readCatalog(context.root), name)
  if (there === undefined) throw new HayaiError('NOT_FOUND', `no removed database is called "${name}"`, { hint: 'hayai list' })
  const answer: UndoAnswer = {
    database: name,
    what: 'returned',
    container: null,
    from: null,
    to: name,
    again: `hayai remove ${name}`,
    notes: [],
    dryRun,
  }
  if (dryRun) return answer
  if (there.trash !== null) {
    await moveAll(belongings(context, name, there.trash).map(({ from, to }) => ({ from: to, to: from })))
    await rm(there.trash, { recursive: true, force: true }) // nothing of the database is in it any more
  }
  await changeCatalog(context.root, `bringing "${name}" back`, (catalog) => {
    if (catalog.databases[name] !== undefined) {
      throw new HayaiError('CONFLICT', `there is another database called "${name}" by now`, { hint: `hayai remove ${name}` })
    }
    const removal = catalog.history.findLastIndex((event) => event.what === 'removed' && event.database === name)
    return {
      ...catalog,
      databases: { ...catalog.databases, [name]: there.record },
      removed: catalog.removed.filter((each) => each.record.id !== there.record.id),
      history: catalog.history.filter((_, index) => index !== removal),
    }
  })
  if (there.keptDeclaration !== null) await addToConfig(context.root, context.configFile, name, there.keptDeclaration)
  await audit(context, 'undo', name, { returned: true })
  return answer
}

interface Move {
  readonly from: string
  readonly to: string
}

function belongings({ paths }: Context, name: string, trash: string): readonly Move[] {
  return [
    { from: paths.dataDir(name), to: join(trash, 'data') },
    { from: paths.secretFile(name), to: join(trash, 'secrets.json') },
    { from: paths.logFile(name), to: join(trash, 'log') },
  ]
}

// Renames only, on one file system: a move is done or not. What was moved before a crash is skipped when it is tried again.
async function moveAll(moves: readonly Move[]): Promise<void> {
  for (const { from, to } of moves) {
    if (!(await exists(from))) continue
    if (await exists(to)) throw new HayaiError('CONFLICT', `${to} is in the way`, { hint: 'Move it aside and try again.' })
    await makeFolder(dirname(to))
    await rename(from, to)
    await syncFolder(dirname(to))
    await syncFolder(dirname(from))
  }
}

function isOutside(context: Context, database: Database): boolean {
  return !database.site.path.startsWith(`${context.paths.own}/`)
}
