// The record of runs does not grow for ever: a long one is put aside whole, as `runs.<time>.jsonl`, and the new one begins with what is
// still asked of it: which schedules are looked after, and the last runs of each plan.

import { link, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemCode } from '../../base/errors.ts'
import { syncFolder, writeDurably } from '../../base/files.ts'
import { entriesOf, type Entry } from './runs.ts'

/** A plan that runs each minute comes so far in two days, one that runs each hour in half a year. */
const LONG = 4_000_000
/** Of each plan: runs, and changes of its schedule. */
const KEPT = 500

/** To be called while no plan runs. A machine that dies in the middle has one record or the other. */
export async function rotateRuns(file: string, now: Date, long = LONG): Promise<void> {
  if ((await sizeOf(file)) < long) return
  const entries: Entry[] = []
  for await (const entry of entriesOf(file)) entries.push(entry)
  const plans = [...new Set(entries.map(({ plan }) => plan))]
  const kept = new Set(plans.flatMap((plan) => lastOf(entries.filter((entry) => entry.plan === plan))))
  const aside = file.replace(/\.jsonl$/, `.${now.toISOString().replaceAll(/[-:]/g, '').slice(0, 15)}.jsonl`)
  await link(file, aside)
  await syncFolder(dirname(file))
  await writeDurably(file, entries.flatMap((entry) => (kept.has(entry) ? [`${JSON.stringify(entry)}\n`] : [])).join(''))
}

function lastOf(entries: readonly Entry[]): readonly Entry[] {
  return [
    ...entries.filter(({ kind }) => kind === 'watched').slice(-KEPT),
    ...entries.filter((entry) => entry.kind === 'ended' && entry.outcome === 'done').slice(-1), // since when it is silent
    ...entries.filter(({ kind }) => kind !== 'watched').slice(-2 * KEPT),
  ]
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 0
    throw error
  }
}
