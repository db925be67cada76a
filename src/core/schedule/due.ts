// Which time of a plan's schedule is to be served now: a pure function of the schedule, the record of runs, and the clock.
//
// A time is served once, whoever looks: the record says which ones were. Of several that were missed only the last is made up for. A
// schedule counts from when somebody began to look after it, so that a new one does not run for a time before it was there. Times are
// told apart by themselves and not by "later than the last", so a clock that is set back or was wrong repeats nothing and loses nothing.

import { lastTime, nextTime, parseCron } from '../../base/cron.ts'
import { ownZone } from '../../base/zones.ts'
import type { Entry } from './runs.ts'

/** What of a plan matters here. */
export interface Scheduled {
  readonly name: string
  readonly enabled: boolean
  /** Empty: it has none. */
  readonly schedule: string
  readonly timezone: string | undefined
}

/** What the record says of one plan. */
export interface History {
  /** The schedule that is looked after, and since when; more than once when the clock was set back in between. */
  readonly watched: { readonly schedule: string; readonly since: readonly number[] }
  readonly served: ReadonlySet<number>
  /** How often a run for that time began that did not come to its end. */
  readonly broken: ReadonlyMap<number, number>
}

/** A run that is killed again and again takes the machine with it, perhaps: its time is given up. */
const ATTEMPTS = 3

const NOBODY = ''

export function zoneOf({ timezone }: Pick<Scheduled, 'timezone'>): string {
  return timezone ?? ownZone()
}

/** The schedule as the record names it; empty for a plan that does not run by itself. */
export function watchable(plan: Scheduled): string {
  return plan.enabled && plan.schedule !== '' ? `${plan.schedule} ${zoneOf(plan)}` : NOBODY
}

export function historyOf(plan: string, entries: readonly Entry[]): History {
  let watched: { schedule: string; since: number[] } = { schedule: NOBODY, since: [] }
  const served = new Set<number>()
  const broken = new Map<number, number>()
  for (const entry of entries) {
    if (entry.plan !== plan) continue
    if (entry.kind === 'watched') {
      const since = Date.parse(entry.at)
      if (watched.schedule === entry.schedule) watched.since.push(since)
      else watched = { schedule: entry.schedule, since: [since] }
    } else if (entry.slot !== null) {
      const slot = Date.parse(entry.slot)
      if (entry.kind === 'began') broken.set(slot, (broken.get(slot) ?? 0) + 1)
      else if (entry.outcome === 'interrupted') broken.set(slot, Math.max(0, (broken.get(slot) ?? 0) - 1))
      else served.add(slot)
    }
  }
  return { watched, served, broken }
}

/** Whether the record has to say that this schedule is looked after from now on, or, with an empty one, not any more. */
export function mustWatch(plan: Scheduled, { watched }: History, now: Date): boolean {
  const schedule = watchable(plan)
  if (watched.schedule !== schedule) return true
  return schedule !== NOBODY && !watched.since.some((since) => since <= now.getTime())
}

/** The time to be served now; undefined when there is none. */
export function dueSlot(plan: Scheduled, { watched, served, broken }: History, now: Date): Date | undefined {
  const schedule = watchable(plan)
  if (schedule === NOBODY || watched.schedule !== schedule) return undefined
  const slot = lastTime(parseCron(plan.schedule), zoneOf(plan), now)
  if (slot === undefined || served.has(slot.getTime()) || (broken.get(slot.getTime()) ?? 0) >= ATTEMPTS) return undefined
  return watched.since.some((since) => since <= slot.getTime()) ? slot : undefined
}

/** The next time that has not been served; undefined for a plan that does not run by itself. */
export function nextSlot(plan: Scheduled, { served }: Pick<History, 'served'>, now: Date): Date | undefined {
  if (watchable(plan) === NOBODY) return undefined
  const [cron, zone] = [parseCron(plan.schedule), zoneOf(plan)]
  let next = nextTime(cron, zone, now)
  while (next !== undefined && served.has(next.getTime())) next = nextTime(cron, zone, next)
  return next
}
