// The daemon's endless loop, without a clock, a disk or a database of its own: what it is given tells it the time and sleeps for it. It
// looks at the clock again and again instead of trusting one long sleep, so that a machine that slept, and a clock that was set, are
// noticed soon; which time is due, due.ts decides.

import { HayaiError, isCode } from '../../base/errors.ts'
import type { DaemonEvent } from '../schedule-answers.ts'
import { dueSlot, historyOf, mustWatch, nextSlot, watchable, type Scheduled } from './due.ts'
import type { Entry, Watched } from './runs.ts'
import type { Performed } from './run.ts'
import { failureOf } from './taking.ts'

export interface Clock {
  now(): Date
  /** Returns after so many milliseconds, or some time after the abort. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>
}

export interface Surroundings<P extends Scheduled> {
  readonly clock: Clock
  /** What `.hayaidb` declares at this moment. */
  plans(): Promise<readonly P[]>
  record(): Promise<readonly Entry[]>
  note(entry: Watched): Promise<void>
  /** Runs it if a time of it is due, as perform() does. */
  run(plan: P, signal: AbortSignal): Promise<Performed>
}

/** The longest that it does not look at the clock and at `.hayaidb`. */
const LOOK = 5000
/** After what hindered a run from beginning. */
const AGAIN = 60_000

/** Until the signal; a run that is at work then is ended by it too. One run at a time, in the order in which plans are declared. */
export async function* keepTime<P extends Scheduled>(around: Surroundings<P>, signal: AbortSignal): AsyncGenerator<DaemonEvent> {
  const { clock } = around
  let plans: readonly P[] = []
  let told = ''
  let flaw = ''
  const waiting = new Map<string, number>()
  while (!signal.aborted) {
    try {
      plans = await around.plans()
      flaw = ''
    } catch (error) {
      if (!(error instanceof HayaiError)) throw error
      if (flaw !== error.message) yield { event: 'config', at: clock.now().toISOString(), error: failureOf(error) }
      flaw = error.message
    }
    const entries = await watchAll(around, plans)
    const now = clock.now()
    const ready = plans.map((plan) => ({ plan, history: historyOf(plan.name, entries) }))
    const schedules = JSON.stringify(plans.map((plan) => [plan.name, watchable(plan)]))
    if (schedules !== told) {
      told = schedules
      const views = ready.map(({ plan, history }) => ({ plan: plan.name, next: nextSlot(plan, history, now)?.toISOString() ?? null }))
      yield { event: 'plans', at: now.toISOString(), plans: views }
    }
    const isWaiting = (name: string): boolean => {
      const until = waiting.get(name) ?? 0
      return until > now.getTime() && until <= now.getTime() + AGAIN // a clock that was set back does not make it wait
    }
    const due = ready.find(({ plan, history }) => !isWaiting(plan.name) && dueSlot(plan, history, now) !== undefined)
    if (due === undefined) {
      const next = ready.flatMap(({ plan, history }) => nextSlot(plan, history, now)?.getTime() ?? [])
      await clock.sleep(Math.max(1, Math.min(LOOK, ...next.map((time) => time - now.getTime()))), signal)
      continue
    }
    const name = due.plan.name
    try {
      const { record } = await around.run(due.plan, signal)
      if (record !== null) yield { event: 'run', at: clock.now().toISOString(), record }
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof HayaiError)) throw error
      const elsewhere = isCode(error, 'LOCKED') // somebody runs it just now: then it is served, or tried again
      waiting.set(name, clock.now().getTime() + (elsewhere ? LOOK : AGAIN))
      if (!elsewhere) yield { event: 'failed', at: clock.now().toISOString(), plan: name, error: failureOf(error) }
    }
  }
}

/** The record, after it says which schedules are looked after from now on, and which not any more. */
async function watchAll<P extends Scheduled>({ clock, record, note }: Surroundings<P>, plans: readonly P[]): Promise<readonly Entry[]> {
  const entries = await record()
  const names = new Set(plans.map(({ name }) => name))
  const gone = [...new Set(entries.map(({ plan }) => plan))].filter((name) => !names.has(name))
  const all: readonly Scheduled[] = [...plans, ...gone.map((name) => ({ name, enabled: false, schedule: '', timezone: undefined }))]
  const changed = all.filter((plan) => mustWatch(plan, historyOf(plan.name, entries), clock.now()))
  if (changed.length === 0) return entries
  for (const plan of changed) {
    await note({ kind: 'watched', plan: plan.name, schedule: watchable(plan), at: clock.now().toISOString() })
  }
  return record()
}
