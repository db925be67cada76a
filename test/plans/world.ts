// A world for the daemon's loop with a clock that can be set: time passes only while it sleeps, and then as it is told. What plans do is
// not tried here (test/trials/plans.test.ts does), only when they do it.

import { historyOf, dueSlot, type Scheduled } from '../../src/core/schedule/due.ts'
import { keepTime, type Surroundings } from '../../src/core/schedule/loop.ts'
import type { Entry } from '../../src/core/schedule/runs.ts'
import type { DaemonEvent, RunRecord } from '../../src/index.ts'

export interface World {
  now: number
  plans: () => readonly Scheduled[]
  readonly entries: Entry[]
  /** Every run, with the time of the clock at which it was. */
  readonly runs: { readonly plan: string; readonly slot: string; readonly at: string; readonly killed: boolean }[]
  /** How much time passes while the daemon sleeps for so long: longer where the machine slept too, less than none where a clock is set back. */
  passes: (milliseconds: number) => number
  /** Whether the run that begins now is killed in the middle. */
  dies: () => boolean
}

export function plan(name: string, schedule: string, timezone = 'UTC'): Scheduled {
  return { name, schedule, timezone, enabled: true }
}

export function world(start: string, ...plans: readonly Scheduled[]): World {
  return { now: Date.parse(start), plans: () => plans, entries: [], runs: [], passes: drowsy, dies: () => false }
}

/** Of its long sleeps it has longer ones, so that days pass quickly. */
function drowsy(milliseconds: number): number {
  return milliseconds === 5000 ? 30_000 : milliseconds
}

class Killed extends Error {}

function surroundings(world: World): Surroundings<Scheduled> {
  return {
    clock: {
      now: () => new Date(world.now),
      sleep: (milliseconds) => {
        world.now += world.passes(milliseconds)
        return Promise.resolve()
      },
    },
    plans: async () => world.plans(),
    record: () => Promise.resolve(world.entries),
    note: async (entry) => void world.entries.push(entry),
    run: (one) => {
      // As perform() does: it looks again, now that it is alone.
      const slot = dueSlot(one, historyOf(one.name, world.entries), new Date(world.now))?.toISOString()
      if (slot === undefined) return Promise.resolve({ record: null, thrown: undefined })
      const at = new Date(world.now).toISOString()
      const run = `${one.name} ${world.runs.length}`
      const killed = world.dies()
      world.entries.push({ kind: 'began', run, plan: one.name, slot, at, pid: 1 })
      world.runs.push({ plan: one.name, slot, at, killed })
      if (killed) return Promise.reject(new Killed())
      const record = recordOf(run, one.name, slot, at)
      world.entries.push({ kind: 'ended', ...record })
      return Promise.resolve({ record, thrown: undefined })
    },
  }
}

function recordOf(run: string, name: string, slot: string, at: string): RunRecord {
  const empty = { backup: null, databases: [], bytes: 0, verified: null, copies: [], deleted: [], hooks: [], error: null }
  return { run, plan: name, slot, began: at, ended: at, outcome: 'done', take: 'backup', ...empty }
}

/** A daemon, from its start until the clock shows that time or it is killed. What it told. */
export async function daemonUntil(world: World, until: string): Promise<readonly DaemonEvent[]> {
  const events: DaemonEvent[] = []
  for await (const event of stepping(world, until)) if (event !== undefined) events.push(event)
  return events
}

/** The same, a step at a time: each sleep and each event is one. */
export async function* stepping(world: World, until: string): AsyncGenerator<DaemonEvent | undefined> {
  const stop = new AbortController()
  const around = surroundings(world)
  let slept = Promise.withResolvers<void>()
  const clock = {
    ...around.clock,
    sleep: async (milliseconds: number, signal: AbortSignal) => {
      await around.clock.sleep(milliseconds, signal)
      if (world.now >= Date.parse(until)) stop.abort()
      slept.resolve()
      slept = Promise.withResolvers<void>()
    },
  }
  const loop = keepTime({ ...around, clock }, stop.signal)
  try {
    for (;;) {
      const next = loop.next()
      let done: IteratorResult<DaemonEvent> | undefined
      while (done === undefined) {
        done = await Promise.race([next, slept.promise.then(() => undefined)])
        if (done === undefined) yield undefined
      }
      if (done.done === true) return
      yield done.value
    }
  } catch (error) {
    if (!(error instanceof Killed)) throw error
  }
}
