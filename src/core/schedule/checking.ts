// How a run checks what it took: every byte against its digest, or a restore aside.

import { HayaiError } from '../../base/errors.ts'
import { asUtc, wallOf } from '../../base/zones.ts'
import type { Plan, Verifying } from '../../project/plans.ts'
import { verifyBackup } from '../backup/verify.ts'
import type { Context } from '../context.ts'
import type { RunRecord } from '../schedule-answers.ts'
import { verify } from '../verify.ts'
import type { Watch } from '../answers.ts'
import { watching } from '../watching.ts'
import { zoneOf } from './due.ts'
import type { Held, Rack } from './rack.ts'
import type { Entry } from './runs.ts'

/** Whether this run is the first of its day, week or month that tries a restore; only one that succeeded counts. */
export function triesRestore(plan: Plan, record: readonly Entry[], now: Date): boolean {
  const { verify: how } = plan
  if (typeof how === 'string') return false
  const { restore } = how
  if (restore === 'always') return true
  const zone = zoneOf(plan)
  const current = periodOf(now, restore, zone)
  return !record.some(
    (entry) =>
      entry.kind === 'ended' &&
      entry.plan === plan.name &&
      entry.verified === 'restore' &&
      periodOf(new Date(entry.began), restore, zone) === current,
  )
}

const DAY = 24 * 3600 * 1000

function periodOf(time: Date, which: Exclude<Extract<Verifying, object>['restore'], 'always'>, zone: string): string {
  const wall = wallOf(time, zone)
  const midnight = asUtc({ ...wall, hour: 0, minute: 0 })
  if (which === 'monthly') return `${wall.year}-${wall.month}`
  if (which === 'daily') return String(midnight)
  return String(midnight - ((new Date(midnight).getUTCDay() + 6) % 7) * DAY) // weeks begin on Monday
}

/** How it was checked. Throws CORRUPT when it is not as it should be, and what was found is noted with it. */
export async function checkTaken<T extends Held>(
  context: Context,
  plan: Plan,
  { rack, items, restore }: { readonly rack: Rack<T>; readonly items: readonly T[]; readonly restore: boolean },
  watch: Watch,
): Promise<RunRecord['verified']> {
  if (plan.verify === 'never' || items.length === 0) return null
  const view = watching(watch)
  for (const item of items) {
    view.stage(restore ? `trying a restore of ${item.database}` : 'checking digests')
    if (restore) await tryRestore(context, plan, item, watch)
    else await rack.checkDigest(rack.folder, item, view)
  }
  return restore ? 'restore' : 'digest'
}

async function tryRestore(context: Context, { take }: Plan, { path }: Held, watch: Watch): Promise<void> {
  const request = { reference: path }
  const { ok, checks } = take === 'backup' ? await verifyBackup(context, request, watch) : await verify(context, request, watch)
  if (ok) return
  const failed = checks.find((check) => !check.ok)
  throw new HayaiError('CORRUPT', `${path} did not pass its trial restore: ${failed?.what}: ${failed?.detail}`, {
    hint: 'Look at the server and its log, and take another: hayai schedule run PLAN',
    details: { path, checks },
  })
}
