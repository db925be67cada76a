// When a cron line comes, over the days on which clocks are moved, in zones that move them differently.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lastTime, nextTime, parseCron } from '../../src/base/cron.ts'
import { inZone, wallOf } from '../../src/base/zones.ts'

/** The next times after that one, as the clock of the zone shows them. */
function times(line: string, zone: string, after: string, how: number): readonly string[] {
  const cron = parseCron(line)
  const found: Date[] = []
  for (let time = new Date(after); found.length < how;) {
    const next = nextTime(cron, zone, time)
    if (next === undefined) break
    found.push((time = next))
  }
  return found.map((time) => inZone(time, zone).replace(`${zone}, `, ''))
}

describe('a cron line', () => {
  it.each([
    ['*/20 8-9 * * *', 'UTC', '2026-01-08T09:00Z', ['2026-01-08 09:20 (UTC)', '2026-01-08 09:40 (UTC)', '2026-01-09 08:00 (UTC)']],
    ['5,10/30 0 1 jan,JUL *', 'UTC', '2026-01-08T00:00Z', ['2026-07-01 00:05 (UTC)', '2026-07-01 00:10 (UTC)', '2026-07-01 00:40 (UTC)']],
    ['@weekly', 'UTC', '2026-01-08T00:00Z', ['2026-01-11 00:00 (UTC)', '2026-01-18 00:00 (UTC)']],
    ['0 0 * * 7', 'UTC', '2026-01-08T00:00Z', ['2026-01-11 00:00 (UTC)', '2026-01-18 00:00 (UTC)']],
    ['0 0 13 * fri', 'UTC', '2026-03-01T00:00Z', ['2026-03-06 00:00 (UTC)', '2026-03-13 00:00 (UTC)', '2026-03-20 00:00 (UTC)']],
    ['0 0 29 2 *', 'UTC', '2096-02-29T00:00Z', ['2104-02-29 00:00 (UTC)']],
    ['0 0 31 * *', 'Asia/Kolkata', '2026-01-31T00:00Z', ['2026-03-31 00:00 (UTC+5:30)', '2026-05-31 00:00 (UTC+5:30)']],
  ])('%s in %s', (line, zone, after, expected) => {
    expect(times(line, zone, after, expected.length)).toEqual(expected)
  })

  it.each([
    [
      'Europe/Lisbon',
      '30 1 * * *',
      '2026-03-28T00:00Z',
      ['2026-03-28 01:30 (UTC)', '2026-03-29 02:00 (UTC+1)', '2026-03-30 01:30 (UTC+1)'],
    ],
    [
      'America/New_York',
      '30 2 * * *',
      '2026-03-07T05:00Z',
      ['2026-03-07 02:30 (UTC-5)', '2026-03-08 03:00 (UTC-4)', '2026-03-09 02:30 (UTC-4)'],
    ],
    ['Australia/Lord_Howe', '15 2 * * *', '2026-10-02T16:00Z', ['2026-10-04 02:30 (UTC+11)', '2026-10-05 02:15 (UTC+11)']],
    [
      'America/New_York',
      '*/20 * * * *',
      '2026-03-08T06:30Z',
      ['2026-03-08 01:40 (UTC-5)', '2026-03-08 03:00 (UTC-4)', '2026-03-08 03:20 (UTC-4)'],
    ],
    ['Pacific/Apia', '0 2 * * *', '2011-12-29T13:00Z', ['2011-12-31 00:00 (UTC+14)', '2011-12-31 02:00 (UTC+14)']],
  ])('in %s: a time that the clock leaves out comes once, right after the gap (%s)', (zone, line, after, expected) => {
    expect(times(line, zone, after, expected.length)).toEqual(expected)
  })

  it.each([
    ['Europe/Lisbon', '30 1 * * *', '2026-10-24T12:00Z', ['2026-10-25 01:30 (UTC+1)', '2026-10-26 01:30 (UTC)']],
    [
      'America/New_York',
      '0,30 1 * * *',
      '2026-10-31T12:00Z',
      ['2026-11-01 01:00 (UTC-4)', '2026-11-01 01:30 (UTC-4)', '2026-11-02 01:00 (UTC-5)'],
    ],
    ['Australia/Lord_Howe', '45 1 * * *', '2026-04-04T00:00Z', ['2026-04-05 01:45 (UTC+11)', '2026-04-06 01:45 (UTC+10:30)']],
  ])('in %s: a time that the clock shows twice comes once (%s)', (zone, line, after, expected) => {
    expect(times(line, zone, after, expected.length)).toEqual(expected)
  })

  it('of every hour comes in each hour that passes', () => {
    expect(times('30 * * * *', 'Europe/Lisbon', '2026-10-24T23:45Z', 3)).toEqual([
      '2026-10-25 01:30 (UTC+1)',
      '2026-10-25 01:30 (UTC)',
      '2026-10-25 02:30 (UTC)',
    ])
  })

  it('has no time twice, none that its fields do not name but after a gap, and last is the other way round of next', () => {
    const part = (least: number, most: number) =>
      fc.oneof(
        fc.constant('*'),
        fc.integer({ min: least, max: most }).map(String),
        fc.integer({ min: 1, max: 9 }).map((step) => `*/${step}`),
      )
    const line = fc.tuple(part(0, 59), part(0, 23), part(1, 28), part(1, 12), part(0, 7)).map((parts) => parts.join(' '))
    const zone = fc.constantFrom('Europe/Lisbon', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Casablanca', 'America/Havana', 'UTC')
    const start = fc.integer({ min: Date.UTC(2024, 0), max: Date.UTC(2030, 0) })
    fc.assert(
      fc.property(line, zone, start, (text, name, from) => {
        const cron = parseCron(text)
        let time = new Date(from)
        for (let round = 0; round < 4; round++) {
          const next = nextTime(cron, name, time)
          if (next === undefined) return
          expect(next.getTime()).toBeGreaterThan(time.getTime())
          expect(lastTime(cron, name, next)).toEqual(next)
          expect(lastTime(cron, name, new Date(next.getTime() - 1))?.getTime() ?? 0).toBeLessThanOrEqual(time.getTime())
          const { hour, minute, month } = wallOf(next, name)
          const named = cron.hours.includes(hour) && cron.minutes.includes(minute) && cron.months.includes(month)
          const hourBefore = wallOf(new Date(next.getTime() - 1), name)
          const afterGap = (hour * 60 + minute - hourBefore.hour * 60 - hourBefore.minute + 1440) % 1440 > 1
          expect(named || afterGap).toBe(true)
          time = next
        }
      }),
      { numRuns: 250 },
    )
  })
})
