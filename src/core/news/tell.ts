// Telling how the plans go. It comes after a run is over and written down, and nothing that goes wrong here is the run's.

import { resolve } from 'node:path'
import { withLock } from '../../base/locks.ts'
import { isCode } from '../../base/errors.ts'
import { exists } from '../../base/files.ts'
import type { Notification } from '../../project/notifications.ts'
import type { Plan } from '../../project/plans.ts'
import { configOf, type Context } from '../context.ts'
import type { Delivery } from '../news-answers.ts'
import type { RunRecord } from '../schedule-answers.ts'
import { recordOf } from '../schedule/plans.ts'
import { deliver } from './deliver.ts'
import { messageOfRun, messageOfSilence } from './message.ts'
import { eventOf, lastSuccess, mustTellSilence, notificationsOfPlan, silentSince, wants } from './occasions.ts'
import { ping } from './senders.ts'
import { noteTold, toldIn } from './told.ts'
import { lookupIn, meant } from './values.ts'

/** What became of it; nothing where there is nothing to tell, or nobody who wants to know. */
export async function tellRun(context: Context, plan: Plan, run: RunRecord): Promise<readonly Delivery[]> {
  const entries = await recordOf(context)
  const event = eventOf(run, entries, await toldIn(context.paths.told))
  if (event === undefined) return []
  const earlier = entries.filter((entry) => entry.kind !== 'ended' || entry.run !== run.run)
  const about = { project: projectOf(context), plan: plan.name, at: new Date(), lastSuccess: lastSuccess(plan.name, earlier) }
  const to = (await notificationsFor(context, plan)).filter((each) => wants(each, event))
  if (to.length === 0) return []
  const deliveries = await deliver(to, messageOfRun(event, run, about), lookupIn(context))
  await noteTold(context.paths.told, { at: about.at.toISOString(), plan: plan.name, run: run.run, deliveries })
  return deliveries
}

const START = 10_000

/** That a run begins, for a dead-man's check. It is tried once, and its end tells what the beginning could not. */
export async function tellStart(context: Context, plan: Plan): Promise<void> {
  const pings = (await notificationsFor(context, plan)).filter(({ kind }) => kind === 'ping')
  await Promise.allSettled(
    pings.map(async (each) =>
      ping(await meant(each, lookupIn(context)), 'start', `the plan "${plan.name}" begins`, AbortSignal.timeout(START)),
    ),
  )
}

/** Tells of each plan that has been silent for too long, once. */
export async function tellSilence(context: Context, now = new Date()): Promise<void> {
  const plans = (await configOf(context))?.plans ?? []
  const entries = await recordOf(context)
  if (!plans.some((plan) => silentSince(plan, entries, now) !== undefined) || !(await exists(context.paths.own))) return
  try {
    await withLock(context.paths.toldLock, { purpose: 'telling that a plan is silent', patience: 0 }, async () => {
      for (const plan of plans) await tellSilent(context, plan, now)
    })
  } catch (error) {
    if (!isCode(error, 'LOCKED')) throw error // somebody else is just telling it
  }
}

async function tellSilent(context: Context, plan: Plan, now: Date): Promise<void> {
  const entries = await recordOf(context)
  const since = silentSince(plan, entries, now)
  if (since === undefined || !mustTellSilence(plan.name, since, await toldIn(context.paths.told), now)) return
  const to = (await notificationsFor(context, plan)).filter((each) => wants(each, 'silence'))
  if (to.length === 0) return
  const about = { project: projectOf(context), plan: plan.name, at: now, lastSuccess: lastSuccess(plan.name, entries) }
  const deliveries = await deliver(to, messageOfSilence(since, about), lookupIn(context))
  await noteTold(context.paths.told, { at: now.toISOString(), plan: plan.name, run: null, deliveries })
}

async function notificationsFor(context: Context, plan: Plan): Promise<readonly Notification[]> {
  return notificationsOfPlan(plan, await notificationsIn(context))
}

/** With paths that stand on their own. */
export async function notificationsIn(context: Context): Promise<readonly Notification[]> {
  const all = (await configOf(context))?.notifications ?? []
  return all.map((each) => ({ ...each, ca: each.ca === undefined ? undefined : resolve(context.root, each.ca) }))
}

export function projectOf({ root }: Context): string {
  return root.split('/').at(-1) ?? ''
}
