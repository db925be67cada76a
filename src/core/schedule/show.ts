// Plans as people want to see them: in words, with when they run next and how the last run went.

import { exists } from '../../base/files.ts'
import { isCode } from '../../base/errors.ts'
import { withLock } from '../../base/locks.ts'
import { inZone } from '../../base/zones.ts'
import type { Plan } from '../../project/plans.ts'
import type { Context } from '../context.ts'
import { notificationsOfPlan } from '../news/occasions.ts'
import { notificationsIn } from '../news/tell.ts'
import type { PlanView } from '../schedule-answers.ts'
import { historyOf, nextSlot, zoneOf } from './due.ts'
import { plansOf, recordOf } from './plans.ts'
import { foldersOf } from './rack.ts'
import type { Entry } from './runs.ts'
import { planInWords } from './words.ts'

export async function planViews(context: Context, now = new Date()): Promise<readonly PlanView[]> {
  const entries = await recordOf(context)
  return Promise.all((await plansOf(context)).map((plan) => viewOf(context, plan, entries, now)))
}

async function viewOf(context: Context, plan: Plan, entries: readonly Entry[], now: Date): Promise<PlanView> {
  const { name, enabled, take, databases, schedule } = plan
  const zone = zoneOf(plan)
  const next = nextSlot(plan, historyOf(name, entries), now)
  const folders = foldersOf(context, plan)
  const own = entries.filter((entry) => entry.plan === name && entry.kind !== 'watched')
  const newest = own.at(-1)
  const open = newest?.kind === 'began' ? newest.at : null
  const atWork = open !== null && (await isHeld(context.paths.planLock(name)))
  const ended = own.findLast((entry) => entry.kind === 'ended')
  return {
    name,
    enabled,
    take,
    databases,
    schedule: schedule === '' ? null : schedule,
    timezone: zone,
    next: next?.toISOString() ?? null,
    nextLocal: next === undefined ? null : inZone(next, zone),
    destinations: folders,
    words: planInWords(plan, folders, await namesOfTold(context, plan)),
    last: ended === undefined ? null : recordIn(ended),
    running: atWork ? open : null,
    killed: atWork ? null : open,
  }
}

function recordIn({ kind: _, ...record }: Entry & { readonly kind: 'ended' }): PlanView['last'] {
  return record
}

/** Whether somebody holds the lock just now. */
export async function isHeld(lock: string): Promise<boolean> {
  if (!(await exists(lock))) return false
  try {
    return await withLock(lock, { purpose: 'looking whether it is held', patience: 0 }, () => Promise.resolve(false))
  } catch (error) {
    if (isCode(error, 'LOCKED')) return true
    throw error
  }
}

async function namesOfTold(context: Context, plan: Plan): Promise<readonly string[]> {
  return notificationsOfPlan(plan, await notificationsIn(context)).map(({ name }) => name)
}
