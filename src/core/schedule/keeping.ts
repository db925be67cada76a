// What a run does with what its plan has taken so far: brings it to every destination, and lets go what need not be kept any more.

import { isCode } from '../../base/errors.ts'
import { ownZone } from '../../base/zones.ts'
import type { Plan } from '../../project/plans.ts'
import { judgePlaces, missingIn, type Place, type PlaceVerdict } from '../../snapshots/places.ts'
import type { Context } from '../context.ts'
import type { RunCopy, RunFailure } from '../schedule-answers.ts'
import type { Watching } from '../watching.ts'
import { policyOf } from './plans.ts'
import { foldersOf, obstacleOf, type Held, type Rack } from './rack.ts'
import type { Entry } from './runs.ts'
import { failureOf } from './taking.ts'

/** Ids that came to each folder, as far as the record tells. */
export function copiedTo(plan: string, record: readonly Entry[]): ReadonlyMap<string, ReadonlySet<string>> {
  const known = new Map<string, Set<string>>()
  for (const entry of record) {
    if (entry.kind !== 'ended' || entry.plan !== plan) continue
    for (const { folder, copied } of entry.copies) known.set(folder, new Set([...(known.get(folder) ?? []), ...copied]))
  }
  return known
}

/** The places of a plan as they are, and why one cannot be used. */
export async function placesOf<T extends Held>(
  context: Context,
  plan: Plan,
  rack: Rack<T>,
  known: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<{ readonly places: readonly Place<T>[]; readonly obstacles: ReadonlyMap<string, RunFailure> }> {
  const obstacles = new Map<string, RunFailure>()
  const places: Place<T>[] = [{ folder: rack.folder, destination: false, copies: await rack.list(rack.folder) }]
  for (const folder of foldersOf(context, plan)) {
    const place = { folder, destination: true }
    const away = known.get(folder) ?? new Set<string>()
    const message = await obstacleOf(folder, away)
    if (message === undefined) {
      try {
        places.push({ ...place, copies: await rack.list(folder) })
        continue
      } catch (error) {
        obstacles.set(folder, failureOf(error))
      }
    } else obstacles.set(folder, { code: 'STORE_FAILED', message })
    places.push({ ...place, copies: [], away })
  }
  return { places, obstacles }
}

/** A destination that fails does not keep the others from getting theirs. */
export async function copyAll<T extends Held>(
  context: Context,
  plan: Plan,
  rack: Rack<T>,
  known: ReadonlyMap<string, ReadonlySet<string>>,
  view: Watching,
): Promise<readonly RunCopy[]> {
  const { places, obstacles } = await placesOf(context, plan, rack, known)
  const wanted = missingIn(places)
  const copies: RunCopy[] = []
  for (const folder of foldersOf(context, plan)) {
    const copied: string[] = []
    let error = obstacles.get(folder) ?? null
    try {
      for (const { item, from } of error === null ? wanted.filter(({ to }) => to === folder) : []) {
        view.stage(`copying to ${folder}`)
        await rack.copy(from, item, folder, view)
        copied.push(item.id)
      }
    } catch (thrown) {
      if (view.signal.aborted) throw thrown
      error = failureOf(thrown)
    }
    copies.push({ folder, copied, error })
  }
  return copies
}

/** A verdict for each copy; of a plan without retention none, for everything is kept. */
export async function verdictsOf<T extends Held>(
  context: Context,
  plan: Plan,
  rack: Rack<T>,
  known: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<readonly PlaceVerdict<T>[]> {
  const policy = policyOf(plan.retention)
  if (policy === undefined) return []
  const { places } = await placesOf(context, plan, rack, known)
  return judgePlaces(places, policy, plan.timezone ?? ownZone())
}

/** Ids of what was deleted. What is being read just now is left for the next run. */
export async function tidy<T extends Held>(
  context: Context,
  plan: Plan,
  rack: Rack<T>,
  known: ReadonlyMap<string, ReadonlySet<string>>,
  view: Watching,
): Promise<readonly string[]> {
  view.stage('letting go what is old')
  const going = (await verdictsOf(context, plan, rack, known)).filter(({ keep }) => !keep)
  const deleted = new Set<string>()
  for (const folder of [rack.folder, ...foldersOf(context, plan)]) {
    const items = going.filter((verdict) => verdict.folder === folder).map(({ item }) => item)
    try {
      if (items.length > 0) await rack.discard(folder, items)
      for (const { id } of items) deleted.add(id)
      await rack.sweep(folder)
    } catch (error) {
      if (!isCode(error, 'LOCKED')) throw error
    }
  }
  return [...deleted]
}
