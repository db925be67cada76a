// Plans and their runs, in lines.

import type { PlanView, RunRecord } from '../../index.ts'
import type { Style } from '../output.ts'
import { age, duration, place, size } from '../wording.ts'

/** A plan with when it runs next and what it does. */
export function planLines({ name, enabled, next, nextLocal, words, schedule }: PlanView, style: Style): readonly string[] {
  const when = enabled ? (nextLocal === null ? 'does not run by itself' : `next ${nextLocal}, in ${until(next ?? '')}`) : 'is not enabled'
  const off = !enabled || schedule === null
  return [`plan ${style.bold(name)}: ${off ? style.warn(when) : when}`, ...words.map((sentence) => `  ${sentence}`)]
}

/** `7 h 12 min` */
export function until(iso: string, now = Date.now()): string {
  const minutes = Math.max(0, Math.round((Date.parse(iso) - now) / 60_000))
  if (minutes < 60) return `${minutes} min`
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
  return `${Math.floor(minutes / 1440)} days`
}

/** How the last run went, in one line. */
export function lastLine({ last, running, killed }: PlanView, style: Style): string {
  if (running !== null) return `at work since ${age(running)}`
  if (killed !== null) return style.bad(`the run that began ${age(killed)} was killed; it took nothing that is not whole`)
  if (last === null) return 'it has not run yet'
  const how = last.outcome === 'done' ? style.good('done') : style.bad(last.outcome)
  return `last ${age(last.began)}: ${how}${last.error === null ? `, ${size(last.bytes)}` : `: ${last.error.message}`}`
}

/** A run that is over: a line, and one for each thing that came of it. */
export function recordLines(record: RunRecord, style: Style): readonly string[] {
  const { plan, outcome, databases, bytes, verified, copies, deleted, error, began, ended, take } = record
  const seconds = (Date.parse(ended) - Date.parse(began)) / 1000
  const saved = databases.filter((part) => part.error === null)
  const mark = outcome === 'done' ? style.good('✓') : style.bad('✗')
  const checked = verified === null ? '' : verified === 'digest' ? ', digest compared' : ', restore tried'
  const what = `${take} of ${saved.map(({ database }) => database).join(', ') || 'nothing'} (${size(bytes)}, ${duration(seconds)}${checked})`
  return [
    `${mark} plan ${style.bold(plan)} ${outcome}: ${what}`,
    ...databases.flatMap((part) => (part.error === null ? [] : [`  ${style.bad('not saved:')} ${part.database}: ${part.error.message}`])),
    ...copies.map((copy) =>
      copy.error === null
        ? `  ${place(copy.folder)}: ${copy.copied.length === 0 ? 'nothing new' : `${copy.copied.length} copied`}`
        : `  ${style.bad('not copied:')} ${copy.error.message}`,
    ),
    ...(deleted.length === 0 ? [] : [`  let go: ${deleted.length}`]),
    ...(error === null ? [] : [`  ${style.bad('error:')} ${error.message}`]),
  ]
}
