// Plans as `.hayaidb` declares them: what is understood, and each mistake with its line and column.

import { describe, expect, it } from 'vitest'
import { HayaiError } from '../../src/base/errors.ts'
import { checkConfig } from '../../src/project/check.ts'
import type { LoadedConfig } from '../../src/project/config.ts'

const check = (text: string): LoadedConfig => checkConfig(text, '.hayaidb', { engines: ['sqlite', 'redis'] })
const plan = (line: string): string => `global:\n  backup:\n    plans:\n      daily:\n        ${line}\n`

const notify = (value: string): string => `global:\n  backup:\n    notifications:\n      ops: ${value}\n`

const PLAN = {
  enabled: true,
  databases: [],
  take: 'backup',
  timezone: undefined,
  retention: undefined,
  compression: undefined,
  encryption: false,
  destinations: [],
  verify: 'digest',
  hooks: { before: [], after: [], onFailure: [], timeout: 600_000 },
  notify: undefined,
}

describe('plans', () => {
  it('are one called "default" where global.backup is as the specification has it', () => {
    const { config } = check(
      'global:\n  backup:\n    enabled: true\n    schedule: "0 2 * * *"\n    retention: "30d"\n    compression: "gzip"\n    encryption: true\n',
    )
    expect(config.plans).toEqual([
      { ...PLAN, name: 'default', schedule: '0 2 * * *', retention: { within: '30d' }, compression: 'gzip', encryption: true },
    ])
  })

  it('are as many as have names, and take from global.backup what is meant for all', () => {
    const { config, warnings } = check(`databases: {shop: {engine: sqlite}, cache: {engine: redis}}
global:
  backup:
    timezone: Europe/Lisbon
    compression: zstd:3
    destinations: [/mnt/backups]
    plans:
      hourly:
        databases: [shop]
        take: snapshot
        schedule: "@hourly"
        retention: {hourly: 24, daily: 7, minimum: 3, within: 1y6m}
        verify: {restore: weekly}
        enabled: false
      daily:
        schedule: 30 2 * * mon-fri
        compression: none
        destinations: []
        verify: never
`)
    const shared = { timezone: 'Europe/Lisbon', compression: 'zstd:3', destinations: ['/mnt/backups'] }
    expect(config.plans).toEqual([
      {
        ...PLAN,
        ...shared,
        name: 'hourly',
        enabled: false,
        databases: ['shop'],
        take: 'snapshot',
        schedule: '@hourly',
        retention: { hourly: 24, daily: 7, minimum: 3, within: '1y6m' },
        verify: { restore: 'weekly' },
      },
      { ...PLAN, ...shared, name: 'daily', schedule: '30 2 * * mon-fri', compression: 'none', destinations: [], verify: 'never' },
    ])
    expect(warnings).toEqual([])
    expect(check('global: {backup: {enabled: false, plans: {a: {schedule: "@daily"}}}}').config.plans[0]?.enabled).toBe(false)
    expect(check('global: {backup: {encryption: false, plans: ~}}').config.plans).toEqual([])
  })

  it('have hooks and notifications, each one or several', () => {
    const { config } =
      check(`${plan('{schedule: "@daily", hooks: {before: make ready, on_failure: [a, b], timeout: 90s}, notify: ops}')}    notifications: {ops: {webhook: "\${OPS}"}}
`)
    expect(config.plans[0]).toMatchObject({
      hooks: { before: ['make ready'], after: [], onFailure: ['a', 'b'], timeout: 90_000 },
      notify: ['ops'],
    })
  })

  it.each([
    ['not a cron line', plan('schedule: 0 2 * *'), 5, 19, /"global.backup.plans.daily.schedule" must be a cron line of five fields/],
    ['a minute that no clock has', plan('schedule: 60 2 * * *'), 5, 19, /whose minute is from 0 to 59, not "60 2/],
    ['a day that never comes', plan('schedule: 0 0 31 feb *'), 5, 19, /must be a cron line of a day that comes/],
    ['an unknown nickname', plan('schedule: "@dialy"'), 5, 19, /must be five fields, or one of @hourly, @daily/],
    ['an empty schedule', 'global: {backup: {schedule: ""}}', 1, 19, /"global.backup.schedule" must be a cron line/],
    ['an unknown time zone', plan('timezone: Europe/Lissabon'), 5, 19, /must be the name of a time zone/],
    ['an offset for a zone', plan('timezone: "+01:00"'), 5, 19, /must be the name of a time zone/],
    ['an unknown key of a plan', plan('scedule: "@daily"'), 5, 9, /"scedule" is not a key of "daily": did you mean "schedule"\?/],
    ['an unknown word', plan('take: snapshots'), 5, 15, /cannot be "snapshots": did you mean "snapshot"\?/],
    ['an unknown rule', plan('retention: {dayly: 7}'), 5, 21, /"dayly" is not a key of "retention": did you mean "daily"\?/],
    ['less than nothing', plan('retention: {daily: -1}'), 5, 28, /"global.backup.plans.daily.retention.daily" must be a whole number/],
    ['no length of time', plan('retention: {within: soon}'), 5, 29, /must be a duration, such as 30d/],
    ['no time at all', plan('retention: 0d'), 5, 20, /must be a duration, such as 30d/],
    ['an unknown proof', plan('verify: {restore: weekyl}'), 5, 27, /cannot be "weekyl": did you mean "weekly"\?/],
    ['a folder that is a number', plan('destinations: [1]'), 5, 24, /must be a list of folders/],
    ['a hook without a command', plan('hooks: {before: []}'), 5, 25, /must be a command, or a list of commands/],
    ['a database that is not declared', `databases: {shop: {engine: redis}}\n${plan('databases: [shpo]')}`, 6, 21, /did you mean "shop"\?/],
    ['a notification that is not declared', plan('notify: opps'), 5, 17, /no notification called "opps" is declared/],
    [
      'a notification of two kinds',
      notify('{webhook: "https://a", ntfy: "https://b"}'),
      4,
      12,
      /must be a mapping with exactly one of webhook/,
    ],
    ['a notification that is none', notify('{webhook: "ftp://a"}'), 4, 22, /must be the address of a web service, .* not this$/],
    ['mail for nobody', notify('{smtp: "smtp://a", from: b}'), 4, 12, /must be a mapping with `smtp`, `from` and `to`/],
    ['an unknown event', notify('{slack: "${A}", on: [failures]}'), 4, 33, /did you mean "failure"/],
    ['a second default', 'global: {backup: {plans: {default: {}}}}', 1, 27, /"default" cannot be the name of a plan here/],
    ['a name that is a path', 'global: {backup: {plans: {../x: {}}}}', 1, 27, /cannot be the name of a plan/],
  ])('cannot have %s', (_, text, line, column, message) => {
    const error = caught(() => check(text))
    expect(error.code).toBe('CONFIG_INVALID')
    expect(error.details?.['problems']).toEqual([
      expect.objectContaining({ line, column, message: expect.stringMatching(message) as string }),
    ])
  })

  it.each([
    [
      'nothing that is scheduled',
      'global: {backup: {enabled: true}}',
      /^\.hayaidb:1:10: no backup is taken by itself: there is no `schedule`\.$/,
    ],
    ['a plan that nobody runs', plan('take: backup'), /^\.hayaidb:4:7: the plan "daily" has no `schedule`/],
    ['encryption for nobody', plan('{schedule: "@daily", encryption: true}'), /^\.hayaidb:5:30: there is no recipient to encrypt for/],
  ])('warns of %s', (_, text, warning) => {
    expect(check(text).warnings).toEqual([expect.stringMatching(warning)])
  })
})

function caught(work: () => unknown): HayaiError {
  try {
    work()
  } catch (error) {
    if (error instanceof HayaiError) return error
    throw error
  }
  throw new Error('nothing was refused')
}
