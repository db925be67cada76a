// What there is to tell, and when a plan is silent: by the record, and a clock that is given.

import { expect, it } from 'vitest'
import { eventOf, mustTellSilence, silentSince, wants } from '../../src/core/news/occasions.ts'
import type { Told } from '../../src/core/news/told.ts'
import type { Ended, Entry } from '../../src/core/schedule/runs.ts'
import type { Outcome } from '../../src/core/schedule-answers.ts'
import { Secret } from '../../src/base/secret.ts'
import type { Notification } from '../../src/project/notifications.ts'
import type { Plan } from '../../src/project/plans.ts'

const HOOKS = { before: [], after: [], onFailure: [], timeout: 1 }
function plan(schedule: string, timezone = 'UTC'): Plan {
  const rest = {
    databases: [],
    take: 'snapshot',
    retention: undefined,
    compression: undefined,
    encryption: false,
    destinations: [],
  } as const
  return { name: 'p', enabled: true, schedule, timezone, verify: 'never', hooks: HOOKS, notify: undefined, ...rest }
}
function ended(at: string, outcome: Outcome, run = at): Ended {
  const nothing = {
    slot: null,
    take: 'snapshot',
    backup: null,
    databases: [],
    bytes: 0,
    verified: null,
    copies: [],
    deleted: [],
    hooks: [],
  } as const
  return { kind: 'ended', run, plan: 'p', began: at, ended: at, outcome, error: null, ...nothing }
}
function silence(at: string, ok = true): Told {
  return { at, plan: 'p', run: null, deliveries: [{ notification: 'ops', event: 'silence', ok, tries: 1, error: null }] }
}

it('is a failure, a recovery after one or after a silence, else a success; an interrupted run is nothing', () => {
  const [good, bad, stopped] = [
    ended('2026-01-01T02:00:00Z', 'done'),
    ended('2026-01-02T02:00:00Z', 'failed'),
    ended('2026-01-02T03:00:00Z', 'interrupted'),
  ]
  const now = ended('2026-01-03T02:00:00Z', 'done')
  expect(eventOf(now, [], [])).toBe('success')
  expect(eventOf(now, [good, now], [])).toBe('success')
  expect(eventOf(now, [good, bad, stopped, now], [])).toBe('recovery')
  expect(eventOf(now, [bad, good, now], [])).toBe('success')
  expect(eventOf(now, [good, now], [silence('2026-01-03T01:00:00Z')])).toBe('recovery')
  expect(eventOf(now, [good, now], [silence('2025-12-31T01:00:00Z')])).toBe('success')
  expect(eventOf(bad, [good, bad], [])).toBe('failure')
  expect(eventOf(stopped, [bad, stopped], [])).toBeUndefined()
})

it('is silent when two of its times and a tenth have gone by since it succeeded, or since it began to be looked after', () => {
  const silent = (schedule: string, entries: readonly Entry[], now: string, zone?: string) =>
    silentSince(plan(schedule, zone), entries, new Date(now))
  const daily = [ended('2026-01-01T02:05:00.000Z', 'done'), ended('2026-01-02T02:05:00.000Z', 'failed')]
  expect(silent('0 2 * * *', daily, '2026-01-03T02:00:01Z')).toBeUndefined()
  expect(silent('0 2 * * *', daily, '2026-01-03T04:20:00Z')).toBeUndefined()
  expect(silent('0 2 * * *', daily, '2026-01-03T04:25:00Z')).toBe('2026-01-01T02:05:00.000Z')
  // From Friday to Monday is no silence.
  expect(silent('0 2 * * 1-5', [ended('2026-01-02T02:05:00.000Z', 'done')], '2026-01-05T12:00:00Z')).toBeUndefined()
  expect(silent('0 2 * * 1-5', [ended('2026-01-02T02:05:00.000Z', 'done')], '2026-01-06T12:00:00Z')).toBeDefined()
  // The hour that is there twice, and the one that is not there.
  expect(silent('30 2 * * *', [ended('2026-03-27T01:35:00.000Z', 'done')], '2026-03-29T01:00:00Z', 'Europe/Berlin')).toBeUndefined()
  const watched: Entry = { kind: 'watched', plan: 'p', schedule: '@hourly UTC', at: '2026-01-01T00:30:00.000Z' }
  expect(silent('@hourly', [watched], '2026-01-01T02:05:00Z')).toBeUndefined()
  expect(silent('@hourly', [watched], '2026-01-01T02:07:00Z')).toBe('2026-01-01T00:30:00.000Z')
  expect(silent('@hourly', [], '2026-01-09T00:00:00Z')).toBeUndefined()
  expect(silent('', daily, '2027-01-01T00:00:00Z')).toBeUndefined()
})

it('tells of a silence once, and where nobody could be told again after an hour', () => {
  const since = '2026-01-01T00:00:00.000Z'
  const must = (told: readonly Told[], now: string) => mustTellSilence('p', since, told, new Date(now))
  expect(must([], '2026-01-02T00:00:00Z')).toBe(true)
  expect(must([silence('2026-01-02T00:00:00Z')], '2026-02-02T00:00:00Z')).toBe(false)
  expect(must([silence('2025-12-31T00:00:00Z')], '2026-02-02T00:00:00Z')).toBe(true)
  expect(must([silence('2026-01-02T00:00:00Z', false)], '2026-01-02T00:59:00Z')).toBe(false)
  expect(must([silence('2026-01-02T00:00:00Z', false)], '2026-01-02T01:00:00Z')).toBe(true)
})

it('goes to who wants it: a recovery to who wants successes, every end and no silence to a ping', () => {
  const none = { address: new Secret(''), from: undefined, to: [], user: undefined, password: undefined, token: undefined, ca: undefined }
  const to = (kind: Notification['kind'], on: Notification['on']): Notification => ({ name: 'n', kind, on, ...none })
  expect((['failure', 'recovery', 'silence', 'success'] as const).map((event) => wants(to('slack', ['success']), event))).toEqual([
    false,
    true,
    false,
    true,
  ])
  expect((['failure', 'recovery', 'silence', 'success'] as const).map((event) => wants(to('ping', []), event))).toEqual([
    true,
    true,
    false,
    true,
  ])
})
