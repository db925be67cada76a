// What a plan keeps in several places: examples of each protection, and what holds of thousands of random histories.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { judgePlaces, missingIn, type Kept, type Place } from '../../src/snapshots/places.ts'
import type { Retention } from '../../src/snapshots/retention.ts'

const UTC = 'UTC'

function kept(time: string, more: Partial<Kept> = {}): Kept {
  return {
    id: time,
    database: 'shop',
    time: new Date(time),
    pinned: false,
    good: true,
    proven: false,
    use: undefined,
    covers: ['shop'],
    complete: true,
    ...more,
  }
}
function place(folder: string, copies: readonly Kept[], more: Partial<Place<Kept>> = {}): Place<Kept> {
  return { folder, destination: folder !== 'own', copies, ...more }
}
/** `own 2026-01-07`, for each that goes. */
function going(places: readonly Place<Kept>[], policy: Retention): readonly string[] {
  return judgePlaces(places, policy, UTC).flatMap(({ folder, item, keep }) => (keep ? [] : [`${folder} ${item.id}`]))
}

const DAYS = ['2026-01-08', '2026-01-07', '2026-01-06', '2026-01-05'].map((day) => kept(day))
const [FIRST, SECOND, THIRD, FOURTH] = DAYS as [Kept, Kept, Kept, Kept]

describe('over several places', () => {
  it('one verdict holds in all of them', () => {
    expect(going([place('own', DAYS), place('a', DAYS)], { last: 2 })).toEqual(
      ['own', 'a'].flatMap((at) => [`${at} 2026-01-06`, `${at} 2026-01-05`]),
    )
  })

  it('what has not come to a destination stays everywhere, and is copied, the newest first', () => {
    const places = [place('own', DAYS), place('a', [SECOND, THIRD, FOURTH]), place('b', [FOURTH])]
    expect(going(places, { last: 1 })).toEqual(['own 2026-01-05', 'a 2026-01-05'])
    expect(missingIn(places).map(({ item, from, to }) => `${item.id} ${from} ${to}`)).toEqual([
      '2026-01-08 own a',
      '2026-01-08 own b',
      '2026-01-07 own b',
      '2026-01-06 own b',
    ])
    expect(judgePlaces(places, { last: 1 }, UTC).find(({ item }) => item === THIRD)?.reasons).toEqual(['not yet copied to b'])
  })

  it('what comes only from another destination is copied from there', () => {
    expect(missingIn([place('own', [FIRST]), place('a', DAYS), place('b', [FIRST])]).map(({ from, to }) => `${from} ${to}`)).toEqual([
      'a b',
      'a b',
      'a b',
    ])
  })

  it('of a destination that is away, what is known to have come there counts as being there', () => {
    const away = place('a', [], { away: new Set(['2026-01-07', '2026-01-05']) })
    expect(going([place('own', DAYS), away], { last: 1 })).toEqual(['own 2026-01-07', 'own 2026-01-05'])
    expect(missingIn([place('own', DAYS), away])).toEqual([])
  })

  it('a pin counts wherever it was set', () => {
    expect(going([place('own', DAYS), place('a', [FIRST, SECOND, { ...THIRD, pinned: true }, FOURTH])], { last: 1 })).toEqual(
      ['own', 'a'].flatMap((at) => [`${at} 2026-01-07`, `${at} 2026-01-05`]),
    )
  })

  it('a damaged copy is made anew, and goes when there is a whole one', () => {
    const damaged = { ...FIRST, good: false }
    expect(missingIn([place('own', [FIRST]), place('a', [damaged])])).toHaveLength(1)
    expect(going([place('own', [FIRST]), place('a', [damaged, FIRST])], { last: 1 })).toEqual(['a 2026-01-08'])
    expect(going([place('own', [FIRST]), place('a', [damaged])], { last: 1 })).toEqual([])
  })

  it('a partial backup does not take the place of the last whole one, nor of the last with a database in it', () => {
    const backup = (day: string, covers: readonly string[], complete: boolean): Kept => kept(day, { database: 'backups', covers, complete })
    const history = [
      backup('2026-01-08', ['shop'], false),
      backup('2026-01-07', ['shop', 'cache'], false),
      backup('2026-01-06', ['shop', 'cache'], false),
      backup('2026-01-05', ['shop', 'cache', 'log'], true),
      backup('2026-01-04', ['shop', 'cache', 'log'], true),
    ]
    expect(going([place('own', history)], { last: 1 })).toEqual(['own 2026-01-06', 'own 2026-01-04'])
  })

  it('a minimum counts beside the other rules, and alone is none', () => {
    expect(going([place('own', DAYS)], { daily: 1, minimum: 3 })).toEqual(['own 2026-01-05'])
    expect(going([place('own', DAYS)], { minimum: 1 })).toEqual([])
  })
})

const HOUR = 3600_000
const copies = fc.record({ good: fc.boolean(), pinned: fc.boolean(), there: fc.boolean() })
const history = fc.uniqueArray(
  fc.record({
    hours: fc.integer({ min: 0, max: 2000 }),
    database: fc.constantFrom('shop', 'cache'),
    proven: fc.boolean(),
    complete: fc.boolean(),
    use: fc.option(fc.constant('in use'), { nil: undefined, freq: 10 }),
    places: fc.tuple(copies, copies, copies),
  }),
  { selector: ({ hours, database }) => `${database} ${hours}`, maxLength: 40 },
)
const policy = fc.record(
  {
    last: fc.nat(4),
    hourly: fc.nat(6),
    daily: fc.nat(5),
    weekly: fc.nat(4),
    monthly: fc.nat(3),
    yearly: fc.nat(2),
    within: fc.record({ years: fc.constant(0), months: fc.nat(1), days: fc.nat(20), hours: fc.nat(30) }),
    minimum: fc.nat(5),
  },
  { requiredKeys: [] },
)
const zone = fc.constantFrom('UTC', 'Europe/Lisbon', 'America/New_York', 'Australia/Lord_Howe')
const away = fc.boolean()

function built(items: readonly (typeof history extends fc.Arbitrary<readonly (infer T)[]> ? T : never)[], isAway: boolean): Place<Kept>[] {
  return ['own', 'a', 'b'].map((folder, at) => {
    const found = items.flatMap(({ hours, database, places, ...rest }): readonly Kept[] => {
      const one = places[at]
      if (one === undefined || !one.there) return []
      const time = new Date(Date.UTC(2026, 10, 26) - hours * HOUR)
      return [{ ...rest, id: `${database}-${hours}`, database, time, good: one.good, pinned: one.pinned, covers: [database] }]
    })
    const isHidden = folder === 'b' && isAway
    return place(folder, isHidden ? [] : found, isHidden ? { away: new Set(found.map(({ id }) => id)) } : {})
  })
}
const hasIn = ({ copies: there, away: known }: Place<Kept>, id: string): boolean =>
  known?.has(id) ?? there.some((copy) => copy.good && copy.id === id)

describe('of any history, whatever the rules', () => {
  it('the newest good one of each place, what is pinned anywhere or in use, and what has not come everywhere, stays', () => {
    fc.assert(
      fc.property(history, policy, zone, away, (items, rules, name, isAway) => {
        const places = built(items, isAway)
        const there = places.filter((each) => each.away === undefined)
        const pinned = new Set(there.flatMap((each) => each.copies.filter((copy) => copy.pinned).map(({ id }) => id)))
        const verdicts = judgePlaces(places, rules, name)
        expect(verdicts).toHaveLength(there.flatMap((each) => each.copies).length)
        for (const { folder, item, keep, reasons } of verdicts) {
          expect(reasons.length).toBeGreaterThan(0)
          if (keep) continue
          const own = there.find((each) => each.folder === folder)?.copies ?? []
          const good = own
            .filter((copy) => copy.good && copy.database === item.database)
            .toSorted((a, b) => b.time.getTime() - a.time.getTime())
          expect(good[0]?.id).not.toBe(item.good ? item.id : '')
          expect(pinned.has(item.id)).toBe(false)
          expect(item.use).toBeUndefined()
          const goodSomewhere = there.some((each) => hasIn(each, item.id))
          if (goodSomewhere) for (const each of places) if (each.destination) expect(hasIn(each, item.id)).toBe(true)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('nothing more goes when it is asked again, nor when the places are told in another order', () => {
    fc.assert(
      fc.property(history, policy, zone, (items, rules, name) => {
        const places = built(items, false)
        const verdicts = judgePlaces(places, rules, name)
        const stays = (folder: string, copy: Kept): boolean =>
          verdicts.some(({ folder: at, item, keep }) => at === folder && item === copy && keep)
        const after = places.map((each) => ({ ...each, copies: each.copies.filter((copy) => stays(each.folder, copy)) }))
        expect(judgePlaces(after, rules, name).filter(({ keep }) => !keep)).toEqual([])
        const told = (all: readonly Place<Kept>[]): readonly string[] => going(all, rules).toSorted()
        expect(told(places.toReversed().map((each) => ({ ...each, copies: each.copies.toReversed() })))).toEqual(told(places))
      }),
      { numRuns: 1200 },
    )
  })
})
