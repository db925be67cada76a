// What is kept and why: an example of each rule, and what must hold of any history whatever the rules.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { judge, parseDuration, type Item, type Retention } from '../../src/snapshots/retention.ts'

const UTC = 'UTC'

function item(time: string, more: Partial<Item> = {}): Item {
  return { id: time, database: 'shop', time: new Date(time), pinned: false, good: true, proven: false, use: undefined, ...more }
}

function kept(items: readonly Item[], policy: Retention, zone = UTC): readonly string[] {
  return judge(items, policy, zone)
    .filter(({ keep }) => keep)
    .map(({ item: { id } }) => id)
}

const HOURS = Array.from({ length: 72 }, (_, hour) => item(new Date(Date.UTC(2026, 0, 8, 12) - hour * 3600_000).toISOString()))

describe('each rule', () => {
  it('last: the newest so many', () => {
    expect(kept(HOURS, { last: 3 })).toEqual(['2026-01-08T12:00:00.000Z', '2026-01-08T11:00:00.000Z', '2026-01-08T10:00:00.000Z'])
  })

  it('hourly: the newest of each hour that has one, hours without one not counted', () => {
    const items = ['2026-01-08T12:50Z', '2026-01-08T12:10Z', '2026-01-08T11:00Z', '2026-01-08T05:59Z', '2026-01-08T05:00Z'].map((time) =>
      item(time),
    )
    expect(kept(items, { hourly: 3 })).toEqual(['2026-01-08T12:50Z', '2026-01-08T11:00Z', '2026-01-08T05:59Z'])
  })

  it('daily: the newest of each day', () => {
    expect(kept(HOURS, { daily: 2 })).toEqual(['2026-01-08T12:00:00.000Z', '2026-01-07T23:00:00.000Z'])
  })

  it('weekly: the newest of each week, which begins on Monday', () => {
    const items = ['2026-01-12T00:00Z', '2026-01-11T23:59Z', '2026-01-05T00:00Z', '2026-01-04T23:59Z'].map((time) => item(time))
    expect(kept(items, { weekly: 3 })).toEqual(['2026-01-12T00:00Z', '2026-01-11T23:59Z', '2026-01-04T23:59Z'])
  })

  it('monthly and yearly, together: what either keeps', () => {
    const items = ['2026-03-02', '2026-03-01', '2026-02-27', '2025-12-31', '2025-06-01', '2024-01-01'].map((day) => item(`${day}T10:00Z`))
    expect(kept(items, { monthly: 2 })).toEqual(['2026-03-02T10:00Z', '2026-02-27T10:00Z'])
    expect(kept(items, { monthly: 2, yearly: 3 })).toEqual([
      '2026-03-02T10:00Z',
      '2026-02-27T10:00Z',
      '2025-12-31T10:00Z',
      '2024-01-01T10:00Z',
    ])
  })

  it('within: counted back from the newest, not from today', () => {
    const items = ['2016-03-31', '2016-03-02', '2016-02-29', '2016-02-28'].map((day) => item(`${day}T10:00Z`))
    expect(kept(items, { within: parseDuration('30d') })).toEqual(['2016-03-31T10:00Z', '2016-03-02T10:00Z'])
    // A month before the 31st of March is the last day of February.
    expect(kept(items, { within: parseDuration('1m') })).toEqual(['2016-03-31T10:00Z', '2016-03-02T10:00Z', '2016-02-29T10:00Z'])
  })

  it('no rule at all: everything', () => {
    expect(judge(HOURS, {}, UTC).every(({ keep, reasons }) => keep && reasons.includes('no rule was given'))).toBe(true)
  })
})

describe('whatever the rules say', () => {
  it('keeps the newest whole one, and no rule counts one that is not whole', () => {
    const items = [item('2026-01-09T10:00Z', { good: false }), item('2026-01-08T10:00Z'), item('2026-01-07T10:00Z')]
    const verdicts = judge(items, { last: 1 }, UTC)
    expect(verdicts.map(({ keep }) => keep)).toEqual([false, true, false])
    expect(verdicts.map(({ reasons }) => reasons)).toEqual([
      ['damaged, or failed its verification'],
      ['the newest whole one', 'the last'],
      ['no rule keeps it'],
    ])
  })

  it('keeps the newest of all where none is whole', () => {
    const items = [item('2026-01-09T10:00Z', { good: false }), item('2026-01-08T10:00Z', { good: false })]
    expect(kept(items, { last: 1 })).toEqual(['2026-01-09T10:00Z'])
  })

  it('keeps what is pinned, in use, or the newest that was proven', () => {
    const items = [
      item('2026-01-09T10:00Z'),
      item('2026-01-08T10:00Z', { use: 'in use' }),
      item('2026-01-07T10:00Z', { proven: true }),
      item('2026-01-06T10:00Z', { proven: true }),
      item('2026-01-05T10:00Z', { pinned: true }),
      item('2026-01-04T10:00Z'),
    ]
    expect(kept(items, { last: 1 })).toEqual(['2026-01-09T10:00Z', '2026-01-08T10:00Z', '2026-01-07T10:00Z', '2026-01-05T10:00Z'])
  })

  it('judges each database by itself', () => {
    const items = [item('2026-01-09T10:00Z'), item('2025-01-09T10:00Z', { database: 'cache' })]
    expect(kept(items, { last: 1 })).toEqual(['2025-01-09T10:00Z', '2026-01-09T10:00Z'])
  })
})

describe('days and hours are those of the clock on the wall', () => {
  it('the same moments fall on other days elsewhere', () => {
    const items = [item('2026-01-08T23:30Z'), item('2026-01-08T22:30Z'), item('2026-01-08T02:00Z')]
    expect(kept(items, { daily: 2 }, 'UTC')).toEqual(['2026-01-08T23:30Z'])
    expect(kept(items, { daily: 2 }, 'Europe/Berlin')).toEqual(['2026-01-08T23:30Z', '2026-01-08T22:30Z'])
    expect(kept(items, { daily: 2 }, 'America/Sao_Paulo')).toEqual(['2026-01-08T23:30Z', '2026-01-08T02:00Z'])
    expect(kept([item('2026-01-08T18:15Z'), item('2026-01-08T18:10Z')], { daily: 2 }, 'Asia/Kathmandu')).toEqual([
      '2026-01-08T18:15Z',
      '2026-01-08T18:10Z',
    ])
  })

  it('a day of 23 or of 25 hours is one day', () => {
    // In Berlin clocks went forward on 2026-03-29 and go back on 2026-10-25.
    const spring = [item('2026-03-29T21:59Z'), item('2026-03-28T23:00Z'), item('2026-03-28T22:59Z')]
    expect(kept(spring, { daily: 2 }, 'Europe/Berlin')).toEqual(['2026-03-29T21:59Z', '2026-03-28T22:59Z'])
    const autumn = [item('2026-10-25T22:59Z'), item('2026-10-24T22:00Z'), item('2026-10-24T21:59Z')]
    expect(kept(autumn, { daily: 2 }, 'Europe/Berlin')).toEqual(['2026-10-25T22:59Z', '2026-10-24T21:59Z'])
  })

  it('an hour that comes twice is two hours', () => {
    const items = [item('2026-10-25T01:30Z'), item('2026-10-25T00:30Z'), item('2026-10-24T23:30Z')] // 2:30, 2:30 and 1:30 in Berlin
    expect(kept(items, { hourly: 3 }, 'Europe/Berlin')).toHaveLength(3)
  })
})

describe('lengths of time', () => {
  it.each([
    ['30d', { years: 0, months: 0, days: 30, hours: 0 }],
    ['2w', { years: 0, months: 0, days: 14, hours: 0 }],
    ['1y6m', { years: 1, months: 6, days: 0, hours: 0 }],
    ['36h', { years: 0, months: 0, days: 0, hours: 36 }],
  ])('%s', (written, duration) => expect(parseDuration(written)).toEqual(duration))

  it.each(['', '30', 'd', '-1d', '1.5d', '30 d', '6m1y', '30D'])('%j is none', (written) => {
    expect(() => parseDuration(written)).toThrow('is not a length of time')
  })
})

const ITEMS = fc
  .array(
    fc.record({
      database: fc.constantFrom('shop', 'cache'),
      // Dense and sparse: minutes within a week, or within four years.
      minutes: fc.oneof(fc.integer({ min: 0, max: 10_080 }), fc.integer({ min: 0, max: 2_100_000 })),
      pinned: fc.boolean().chain((lucky) => (lucky ? fc.boolean() : fc.constant(false))),
      good: fc.integer({ min: 0, max: 3 }).map((dice) => dice > 0),
      proven: fc.integer({ min: 0, max: 5 }).map((dice) => dice === 0),
      use: fc.integer({ min: 0, max: 9 }).map((dice) => (dice === 0 ? 'in use' : undefined)),
    }),
    { maxLength: 60 },
  )
  .map((drawn) =>
    drawn.map(({ minutes, ...rest }, index): Item => ({
      ...rest,
      id: `id-${index}`,
      time: new Date(Date.UTC(2026, 9, 1) + minutes * 60_000),
    })),
  )

const count = fc.integer({ min: 0, max: 6 })
const POLICY: fc.Arbitrary<Retention> = fc.record(
  {
    last: count,
    hourly: count,
    daily: count,
    weekly: count,
    monthly: count,
    yearly: count,
    within: fc.record({
      years: fc.constant(0),
      months: fc.integer({ min: 0, max: 3 }),
      days: fc.integer({ min: 0, max: 40 }),
      hours: count,
    }),
  },
  { requiredKeys: [] },
)
const ZONE = fc.constantFrom('UTC', 'Europe/Berlin', 'America/Sao_Paulo', 'Australia/Lord_Howe', 'Pacific/Apia', 'Asia/Kathmandu')
const RUNS = { numRuns: 2000 }

describe('of any history, by any rules, in any zone', () => {
  it('each has one verdict with a reason, and what is protected stays', () => {
    fc.assert(
      fc.property(ITEMS, POLICY, ZONE, (items, policy, zone) => {
        const verdicts = judge(items, policy, zone)
        expect(new Set(verdicts.map(({ item: { id } }) => id))).toEqual(new Set(items.map(({ id }) => id)))
        expect(verdicts).toHaveLength(items.length)
        const stays = new Set(verdicts.filter(({ keep }) => keep).map(({ item: { id } }) => id))
        expect(verdicts.every(({ reasons }) => reasons.length > 0)).toBe(true)
        for (const each of items) if (each.pinned || each.use !== undefined) expect(stays).toContain(each.id)
        for (const database of new Set(items.map((each) => each.database))) {
          const own = verdicts.filter(({ item: each }) => each.database === database)
          expect(own.some(({ keep }) => keep)).toBe(true)
          const good = own.filter(({ item: each }) => each.good)
          if (good.length > 0) expect(good[0]?.keep).toBe(true)
          const proven = good.filter(({ item: each }) => each.proven)
          if (proven.length > 0) expect(proven[0]?.keep).toBe(true)
        }
      }),
      RUNS,
    )
  })

  it('what was kept is kept when it is asked again, and the order of the question does not matter', () => {
    fc.assert(
      fc.property(ITEMS, POLICY, ZONE, (items, policy, zone) => {
        const verdicts = judge(items, policy, zone)
        const stays = verdicts.filter(({ keep }) => keep).map(({ item: each }) => each)
        expect(judge(stays, policy, zone).every(({ keep }) => keep)).toBe(true)
        expect(judge(items.toReversed(), policy, zone)).toEqual(verdicts)
      }),
      RUNS,
    )
  })

  it('a larger number never keeps less', () => {
    const rules = fc.constantFrom('last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly')
    fc.assert(
      fc.property(ITEMS, POLICY, ZONE, rules, (items, policy, zone, rule) => {
        const some: Retention = { ...policy, last: Math.max(1, policy.last ?? 0) } // no rule at all keeps everything
        const larger = new Set(kept(items, { ...some, [rule]: (some[rule] ?? 0) + 1 }, zone))
        for (const id of kept(items, some, zone)) expect(larger).toContain(id)
      }),
      RUNS,
    )
  })
})
