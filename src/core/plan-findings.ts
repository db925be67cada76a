// What health has to say of plans: the last run failed, none succeeded for long, and who could not be told. Of a silence it is also told
// to those who want to know: where nobody runs the plans, health is what is left to notice.

import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { exists } from '../base/files.ts'
import type { Finding } from '../snapshots/health.ts'
import { configOf, type Context } from './context.ts'
import { silentSince } from './news/occasions.ts'
import { tellSilence } from './news/tell.ts'
import { lastDeliveries, toldIn } from './news/told.ts'
import { recordOf } from './schedule/plans.ts'
import type { Entry } from './schedule/runs.ts'

export async function planFindings(context: Context, now: Date): Promise<readonly Finding[]> {
  const config = await configOf(context)
  if (config === undefined) return []
  await tellSilence(context, now)
  const entries = await recordOf(context)
  const findings: Finding[] = []
  for (const plan of config.plans) {
    const { name } = plan
    const hint = `hayai schedule run ${name}`
    const last = entries.findLast((entry) => entry.kind === 'ended' && entry.plan === name && entry.outcome !== 'interrupted')
    if (last?.kind === 'ended' && last.outcome === 'failed') {
      const message = `The last run of the plan "${name}" failed, at ${last.ended}: ${last.error?.message ?? 'nobody knows why'}`
      findings.push({ kind: 'plan-failed', database: null, message, hint })
    }
    const since = silentSince(plan, entries, now)
    if (since !== undefined) {
      const message = `The plan "${name}" has not succeeded since ${since}: that is longer than twice the time between its runs.`
      findings.push({ kind: 'plan-silent', database: null, message, hint })
    }
  }
  findings.push(...(await metricsFindings(context, config.backup?.metrics, entries)))
  const last = lastDeliveries(await toldIn(context.paths.told))
  for (const { name } of config.notifications) {
    const delivery = last.get(name)
    if (delivery === undefined || delivery.ok) continue
    const message = `The notification "${name}" could not be delivered at ${delivery.at}: ${delivery.error}.`
    findings.push({ kind: 'undelivered', database: null, message, hint: `hayai notify test ${name}` })
  }
  return findings
}

/** A file of metrics is written after each run, within a minute. */
const LATE = 60_000

async function metricsFindings({ root }: Context, written: string | undefined, entries: readonly Entry[]): Promise<readonly Finding[]> {
  const last = entries.findLast((entry) => entry.kind === 'ended')
  if (written === undefined || last?.kind !== 'ended') return []
  const file = resolve(root, written)
  const time = (await exists(file)) ? (await stat(file)).mtimeMs : 0
  if (time + LATE >= Date.parse(last.ended)) return []
  const message = `The metrics in ${file} are not of the last run: they could not be written.`
  return [{ kind: 'metrics', database: null, message, hint: `hayai metrics -o ${file}` }]
}
