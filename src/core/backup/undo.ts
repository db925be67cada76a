// undo --all and redo --all: what the last restore of a whole backup switched is switched back, all of it or nothing. Databases that the
// restore made are removed, which can be taken back like any removal.

import { randomBytes } from 'node:crypto'
import { HayaiError } from '../../base/errors.ts'
import { makeOwnFolder, readCatalog, type Catalog } from '../../project/catalog.ts'
import type { Generation } from '../../runtimes/runtime.ts'
import type { Watch } from '../answers.ts'
import type { UndoAllAnswer, UndoneTogether } from '../backup-answers.ts'
import { assemble, settle, type Context, type Database } from '../context.ts'
import { remove, removedOf, returnRemoved } from '../remove.ts'
import { watching } from '../watching.ts'
import { switchAll, together, type Step } from './switch.ts'
import { withAll } from './together.ts'

/** `undo` (-1), or `redo` (+1). */
type Direction = -1 | 1

export async function undoAll(context: Context, direction: Direction, dryRun: boolean, watch: Watch = {}): Promise<UndoAllAnswer> {
  const view = watching(watch)
  await settle(context)
  const verb = direction === -1 ? 'undo' : 'redo'
  const { id, members } = await lastTogether(context, direction)
  const again = direction === -1 ? 'hayai redo --all' : 'hayai undo --all'
  if (dryRun) return { databases: members.map(told), again, dryRun }
  await makeOwnFolder(context.root)
  const names = members.map(({ name }) => name)
  const options = { purpose: `${verb} of ${names.length} databases`, signal: view.signal }
  await together(context, options.purpose, view.signal, () =>
    withAll(context, names, options, async () => {
      for (const { database } of members) await database?.site.recover()
      const now = await membersOf(context, await readCatalog(context.root), id, direction)
      if (now.map(({ goal }) => goal?.name).join() !== members.map(({ goal }) => goal?.name).join()) throw changedMeanwhile()
      view.stage('switching')
      const steps = now.flatMap(({ database, live, goal }): Step[] => {
        if (database === undefined || goal === undefined) return []
        return [{ database, from: live?.name ?? null, to: goal.name, fresh: false, take: () => database.site.switchTo(goal.name, view) }]
      })
      const announced = { id: randomBytes(4).toString('hex'), restores: false, made: [], declared: false }
      if (steps.length > 0) await switchAll(context, announced, steps, { stage: view.stage })
    }),
  )
  // After the switch, one by one: each of these can be taken back by itself.
  for (const { name, what } of members) {
    if (what === 'removed') await remove(context, name, { keepData: false, missingOk: true, dryRun: false })
    if (what === 'returned') await returnRemoved(context, name, false)
  }
  return { databases: members.map(told), again, dryRun }
}

interface Member {
  readonly name: string
  /** undefined for one that was made by the restore, and removed by an undo. */
  readonly database: Database | undefined
  readonly live: Generation | undefined
  /** undefined where the whole database goes, or comes. */
  readonly goal: Generation | undefined
  readonly what: UndoneTogether['what']
}

function told({ name, live, goal, what }: Member): UndoneTogether {
  return { database: name, what, from: live?.name ?? null, to: goal?.name ?? null }
}

/** The newest restore of several databases of which anything is left to be undone (or redone), and what that is. */
async function lastTogether(context: Context, direction: Direction): Promise<{ readonly id: string; readonly members: readonly Member[] }> {
  const catalog = await readCatalog(context.root)
  for (const id of batchesOf(catalog)) {
    const members = await membersOf(context, catalog, id, direction)
    if (members.length > 0) return { id, members }
  }
  throw new HayaiError('WRONG_STATE', `there is nothing to be ${direction === -1 ? 'undone' : 'redone'} together`, {
    hint: `No restore of a whole backup is ${direction === -1 ? 'in effect' : 'undone'}. \`hayai undo NAME\` and \`hayai redo NAME\` are for one database.`,
  })
}

function batchesOf({ history }: Catalog): readonly string[] {
  return [...new Set(history.toReversed().flatMap(({ together: id }) => (id === undefined ? [] : [id])))]
}

async function membersOf(context: Context, catalog: Catalog, id: string, direction: Direction): Promise<readonly Member[]> {
  const names = catalog.history.filter((event) => event.together === id).map(({ database }) => database)
  const members: Member[] = []
  const elsewhere: string[] = []
  for (const name of names) {
    const member = await memberOf(context, catalog, name, id, direction)
    if (member === 'elsewhere') elsewhere.push(name)
    else if (member !== 'done') members.push(member)
  }
  if (members.length === 0 || elsewhere.length === 0) return members
  throw new HayaiError(
    'WRONG_STATE',
    `${elsewhere.join(', ')} ${elsewhere.length === 1 ? 'has' : 'have'} other data since, or ${elsewhere.length === 1 ? 'is' : 'are'} gone`,
    {
      hint: `Take the others back one by one: ${members.map(({ name }) => `hayai ${direction === -1 ? 'undo' : 'redo'} ${name}`).join('; ')}`,
    },
  )
}

/** Generations bear in their origin which restore they are of. */
async function memberOf(
  context: Context,
  catalog: Catalog,
  name: string,
  id: string,
  direction: Direction,
): Promise<Member | 'done' | 'elsewhere'> {
  const isOf = (generation: Generation | undefined): boolean => generation?.origin.endsWith(`(${id})`) === true
  const entry = catalog.databases[name]
  if (entry === undefined) {
    if (removedOf(catalog, name) === undefined) return 'elsewhere'
    return direction === -1 ? 'done' : { name, database: undefined, live: undefined, goal: undefined, what: 'returned' }
  }
  const database = await assemble(context, name, entry)
  const live = (await database.site.generations()).find((generation) => generation.live)
  const [before, after] = [await database.site.neighbour(-1), await database.site.neighbour(1)]
  if (direction === -1) {
    if (!isOf(live)) return isOf(after) ? 'done' : 'elsewhere'
    return { name, database, live, goal: before, what: before === undefined ? 'removed' : 'switched' }
  }
  if (isOf(after)) return { name, database, live, goal: after, what: 'switched' }
  return isOf(live) ? 'done' : 'elsewhere'
}

function changedMeanwhile(): HayaiError {
  return new HayaiError('WRONG_STATE', 'another command has changed these databases at this moment', { hint: 'Look, and try again.' })
}
