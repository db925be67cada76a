// What is told, in words and as the JSON of a webhook (docs/AUTOMATION.md).

import { hostname } from 'node:os'
import type { Event } from '../../project/notifications.ts'
import type { RunRecord } from '../schedule-answers.ts'

export type Occasion = Event | 'test'

export interface Message {
  readonly event: Occasion
  readonly title: string
  readonly text: string
  /** What a webhook gets. */
  readonly body: WebhookBody
}

export interface WebhookBody {
  readonly version: 1
  readonly event: Occasion
  readonly title: string
  readonly text: string
  readonly project: string
  readonly host: string
  /** null in a test. */
  readonly plan: string | null
  /** UTC. */
  readonly at: string
  /** The last run that succeeded; null when there is none. */
  readonly lastSuccess: string | null
  /** What it is about; null in a test and of silence. */
  readonly run: RunRecord | null
}

interface About {
  readonly project: string
  readonly plan: string
  readonly at: Date
  readonly lastSuccess: string | null
}

export function messageOfRun(event: 'failure' | 'recovery' | 'success', run: RunRecord, about: About): Message {
  const { project, plan, lastSuccess } = about
  const verb = { failure: 'failed', recovery: 'succeeds again', success: 'succeeded' }[event]
  const kept = run.databases.filter(({ error }) => error === null).map(({ database }) => database)
  const lost = run.databases.filter(({ error }) => error !== null).map(({ database }) => database)
  const lines = [
    run.error === null ? undefined : `${run.error.code}: ${run.error.message}`,
    kept.length === 0 ? 'Nothing was taken.' : `Taken: ${kept.join(', ')} (${run.bytes} bytes).`,
    lost.length === 0 ? undefined : `Not taken: ${lost.join(', ')}.`,
    event === 'success' ? undefined : lastSuccessLine(lastSuccess),
    `On ${hostname()}, from ${run.began} to ${run.ended}.`,
  ]
  return message(event, `${project}: the plan "${plan}" ${verb}`, lines, { ...about, run })
}

export function messageOfSilence(since: string, about: About): Message {
  const { project, plan, lastSuccess } = about
  const lines = [
    lastSuccess === null ? `It never has, since ${since}, when its schedule began.` : lastSuccessLine(lastSuccess),
    'That is more than twice as long as its schedule allows. Look at: hayai schedule',
    `On ${hostname()}.`,
  ]
  return message('silence', `${project}: the plan "${plan}" has not succeeded for long`, lines, { ...about, run: null })
}

export function messageOfTest(name: string, project: string, at: Date): Message {
  const lines = [`This is a test of the notification "${name}".`, `On ${hostname()}.`]
  return message('test', `${project}: a test`, lines, { project, plan: null, at, lastSuccess: null, run: null })
}

function lastSuccessLine(time: string | null): string {
  return time === null ? 'It never succeeded before.' : `It last succeeded at ${time}.`
}

function message(
  event: Occasion,
  title: string,
  lines: readonly (string | undefined)[],
  { project, plan, at, lastSuccess, run }: Omit<About, 'plan'> & { readonly plan: string | null; readonly run: RunRecord | null },
): Message {
  const text = lines.filter((line) => line !== undefined).join('\n')
  return {
    event,
    title,
    text,
    body: { version: 1, event, title, text, project, host: hostname(), plan, at: at.toISOString(), lastSuccess, run },
  }
}
