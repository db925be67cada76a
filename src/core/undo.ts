// undo and redo: the generation before, or after, becomes the live one; a database that was removed comes back.

import { basename } from 'node:path'
import { HayaiError } from '../base/errors.ts'
import { readCatalog, type Catalog } from '../project/catalog.ts'
import type { UndoAnswer, UndoOptions, Watch } from './answers.ts'
import { audit } from './audit.ts'
import { databaseOf, withDatabase, type Context, type Database } from './context.ts'
import { piecesToRedo, piecesToUndo } from './pieces-steps.ts'
import { removedOf, returnRemoved } from './remove.ts'
import { followVersion } from './versions.ts'
import { watching } from './watching.ts'

export async function undo(context: Context, asked: string | undefined, options: UndoOptions, watch: Watch = {}): Promise<UndoAnswer> {
  const dryRun = options.dryRun === true
  const catalog = await readCatalog(context.root)
  const deletion = asked === undefined ? catalog.history.at(-1)?.deletion : undefined
  if (deletion !== undefined) return undelete(context, deletion, dryRun)
  const name = asked ?? lastChanged(catalog)
  if (catalog.databases[name] === undefined && removedOf(catalog, name) !== undefined) return returnRemoved(context, name, dryRun)
  const database = await databaseOf(context, name)
  const pieces = await piecesToUndo(context, database)
  if (pieces !== undefined) return (await import('./pieces-undo.ts')).undoPieces(context, database, pieces, options, watch)
  return step(context, database, -1, dryRun, watch)
}

export async function redo(context: Context, asked: string | undefined, dryRun: boolean, watch: Watch = {}): Promise<UndoAnswer> {
  const database = await databaseOf(context, asked ?? lastChanged(await readCatalog(context.root)))
  const pieces = await piecesToRedo(context, database)
  if (pieces === 'nothing') throw nothing('redone', `"${database.name}" is at its newest.`)
  if (pieces !== undefined) return (await import('./pieces-undo.ts')).redoPieces(context, database, pieces, dryRun, watch)
  return step(context, database, 1, dryRun, watch)
}

function lastChanged(catalog: Catalog): string {
  const last = catalog.history.findLast(({ what }) => what !== 'deleted')
  if (last === undefined) throw nothing('undone', 'Nothing was restored or removed in this project.')
  if (last.together !== undefined) {
    throw new HayaiError('WRONG_STATE', 'what was done last was a restore of a whole backup', {
      hint: `Take back all of it: hayai undo --all; or one database: hayai undo ${last.database}`,
    })
  }
  return last.database
}

async function step(context: Context, database: Database, direction: -1 | 1, dryRun: boolean, watch: Watch): Promise<UndoAnswer> {
  const view = watching(watch)
  const { signal, stage } = view
  const { name } = database
  const verb = direction === -1 ? 'undo' : 'redo'
  return withDatabase(context, database, { purpose: `${verb} of "${name}"`, signal }, async () => {
    const from = (await database.site.generations()).find(({ live }) => live)?.name ?? null
    const goal = await database.site.neighbour(direction)
    if (goal === undefined) {
      throw nothing(
        direction === -1 ? 'undone' : 'redone',
        direction === -1
          ? `"${name}" is as it was made; \`hayai redo ${name}\` goes forward, \`hayai snapshot list --deleted\` shows deleted snapshots.`
          : `"${name}" is at its newest.`,
      )
    }
    const again = direction === -1 ? `hayai redo ${name}` : `hayai undo ${name}`
    const container = (await database.site.interrupts())?.container ?? null
    if (dryRun) return { database: name, what: 'switched', container, from, to: goal.name, again, notes: [], dryRun }
    stage('switching')
    const live = await database.site.switchTo(goal.name, view)
    const notes = await followVersion(context, database)
    await audit(context, verb, name, { from, to: live.name })
    return { database: name, what: 'switched', container, from, to: live.name, again, notes, dryRun }
  })
}

async function undelete(context: Context, deletion: string, dryRun: boolean): Promise<UndoAnswer> {
  const { undeleteSnapshots } = await import('./discard.ts')
  const { returned } = await undeleteSnapshots(context, { references: [deletion], dryRun })
  const ids = returned.map(({ id }) => id.slice(0, 12))
  const databases = [...new Set(returned.map(({ database }) => database))].join(', ')
  const again = ids.length === 0 ? null : `hayai snapshot delete ${ids.join(' ')}`
  return {
    database: databases,
    what: 'undeleted',
    container: null,
    from: null,
    to: returned.map(({ path }) => basename(path)).join(', '),
    again,
    notes: [],
    dryRun,
  }
}

function nothing(what: string, hint: string): HayaiError {
  return new HayaiError('WRONG_STATE', `there is nothing to be ${what}`, { hint })
}
