// The daemon of a project: one for each, in the foreground, until it is told to stop.

import { stat } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { systemCode } from '../../base/errors.ts'
import { withLock } from '../../base/locks.ts'
import { makeOwnFolder } from '../../project/catalog.ts'
import type { Watch } from '../answers.ts'
import type { Context } from '../context.ts'
import { tellSilence } from '../news/tell.ts'
import type { DaemonEvent } from '../schedule-answers.ts'
import { keepTime, type Clock } from './loop.ts'
import { plansOf, recordOf } from './plans.ts'
import { afterwards, perform } from './run.ts'
import { noteRun, type Entry } from './runs.ts'

const CLOCK: Clock = {
  now: () => new Date(),
  async sleep(milliseconds, signal) {
    await wait(milliseconds, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  },
}

/** Throws LOCKED, before anything is told, when the project has one already. It ends after the signal, and then nothing is at work. */
export async function* daemon(context: Context, watch: Watch = {}): AsyncGenerator<DaemonEvent> {
  await makeOwnFolder(context.root)
  const signal = watch.signal ?? new AbortController().signal
  const [ours, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const lock = withLock(context.paths.daemonLock, { purpose: 'the daemon of this project', patience: 0 }, async () => {
    ours.resolve()
    await over.promise
  })
  lock.catch(ours.reject)
  await ours.promise
  const at = (): string => new Date().toISOString()
  const behind = backlog()
  const looking = setInterval(() => behind.add(tellSilence(context)), MINUTE)
  try {
    yield { event: 'started', at: at(), pid: process.pid, root: context.root }
    const { now } = CLOCK
    yield* keepTime(
      {
        clock: CLOCK,
        plans: () => plansOf(context),
        record: recordReader(context),
        note: (entry) => noteRun(context.paths.runs, entry),
        run: async (plan, stop) => {
          const ended = await perform(context, plan, { due: true, now }, { ...watch, signal: stop })
          behind.add(afterwards(context, plan, ended))
          return ended
        },
      },
      signal,
    )
    await behind.settled()
    yield { event: 'stopped', at: at() }
  } finally {
    clearInterval(looking)
    over.resolve()
    await lock
  }
}

const MINUTE = 60_000

/** What goes on beside the runs and never holds them up: telling how they went takes less than a minute, and may fail. */
function backlog() {
  const open = new Set<Promise<unknown>>()
  return {
    add(work: Promise<unknown>): void {
      const over = work.then(
        () => void open.delete(over),
        () => void open.delete(over), // a file that is not what it should be is told by the commands that read it
      )
      open.add(over)
    },
    settled: () => Promise.all(open),
  }
}

/** The record is read again only when it has changed: the daemon asks for it every few seconds. */
function recordReader(context: Context): () => Promise<readonly Entry[]> {
  let [key, entries]: [string, readonly Entry[]] = ['', []]
  return async () => {
    const current = await stampOf(context.paths.runs)
    if (current !== key) [key, entries] = [current, await recordOf(context)]
    return entries
  }
}

async function stampOf(file: string): Promise<string> {
  try {
    const { size, mtimeMs, ino } = await stat(file)
    return `${ino} ${size} ${mtimeMs}`
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return ''
    throw error
  }
}
