// What a plan keeps in several folders at once: the project's own, and every destination. One verdict is found for each snapshot or
// backup, over all places together, so that two of them never pull in different directions; and no place loses its newest good one,
// none loses what is pinned in any of them, or what has not come to every destination yet. A pure function, and without a clock.

import { judge, type Item, type Retention } from './retention.ts'

export interface Kept extends Item {
  /** The databases of which it has data. */
  readonly covers: readonly string[]
  /** It has all that it should have. What has not is as good as any, but does not take the place of one that has. */
  readonly complete: boolean
}

export interface Place<T extends Kept> {
  /** Absolute. */
  readonly folder: string
  /** A destination must get every one; the project's own folder need not. */
  readonly destination: boolean
  readonly copies: readonly T[]
  /** A place that is not there now: what is known to have come to it. */
  readonly away?: ReadonlySet<string>
}

export interface PlaceVerdict<T extends Kept> {
  readonly folder: string
  readonly item: T
  readonly keep: boolean
  /** At least one, each a phrase. */
  readonly reasons: readonly string[]
}

export interface Wanted<T extends Kept> {
  /** Where it is to be copied from, and to. */
  readonly item: T
  readonly from: string
  readonly to: string
}

/** What has not come to a destination that is there, the newest first. */
export function missingIn<T extends Kept>(places: readonly Place<T>[]): readonly Wanted<T>[] {
  const sources = new Map<string, { readonly item: T; readonly from: string }>()
  for (const { folder, copies } of places) {
    for (const item of copies) if (item.good && !sources.has(item.id)) sources.set(item.id, { item, from: folder })
  }
  return places
    .filter(({ destination, away }) => destination && away === undefined)
    .flatMap((place) => [...sources.values()].filter(({ item }) => !has(place, item.id)).map((source) => ({ ...source, to: place.folder })))
    .toSorted((a, b) => b.item.time.getTime() - a.item.time.getTime())
}

/** A verdict for each copy in each place that is there. Without any rule everything is kept. */
export function judgePlaces<T extends Kept>(places: readonly Place<T>[], policy: Retention, zone: string): readonly PlaceVerdict<T>[] {
  const there = places.filter(({ away }) => away === undefined)
  const merged = mergedOf(there)
  const protectedBy = protections(merged, places)
  const items = merged.map((item) => ({ ...item, use: protectedBy.get(item.id)?.join('; ') ?? item.use }))
  const verdicts = new Map(judge(items, policy, zone).map((verdict) => [verdict.item.id, verdict]))
  return there.flatMap((place) => {
    const newest = newestOf(place.copies)
    return place.copies.map((item) => {
      const { keep = true, reasons = [] } = verdicts.get(item.id) ?? {}
      const double = !item.good && place.copies.some(({ id, good }) => good && id === item.id)
      if (double) return { folder: place.folder, item, keep: false, reasons: ['damaged, and there is a whole one of it here'] }
      const own = item.good && newest.has(item)
      return { folder: place.folder, item, keep: keep || own, reasons: own && !keep ? ['the newest whole one here'] : reasons }
    })
  })
}

function has<T extends Kept>({ copies, away }: Place<T>, id: string): boolean {
  return away?.has(id) ?? copies.some((copy) => copy.good && copy.id === id)
}

/** Each id once: good if one copy of it is, pinned if one is, proven if one is, in use if one is. */
function mergedOf<T extends Kept>(places: readonly Place<T>[]): readonly T[] {
  const merged = new Map<string, T>()
  for (const item of places.flatMap(({ copies }) => copies)) {
    const known = merged.get(item.id)
    merged.set(
      item.id,
      known === undefined
        ? item
        : {
            ...known,
            good: known.good || item.good,
            pinned: known.pinned || item.pinned,
            proven: known.proven || item.proven,
            use: known.use ?? item.use,
          },
    )
  }
  return [...merged.values()]
}

function protections<T extends Kept>(merged: readonly T[], places: readonly Place<T>[]): ReadonlyMap<string, readonly string[]> {
  const reasons = new Map<string, string[]>()
  const keep = (id: string, reason: string): void => void reasons.set(id, [...(reasons.get(id) ?? []), reason])
  for (const { id, use } of merged) if (use !== undefined) keep(id, use)
  for (const item of merged) {
    const missing = places.filter((place) => place.destination && item.good && !has(place, item.id))
    if (missing.length > 0) keep(item.id, `not yet copied to ${missing.map(({ folder }) => folder).join(' and ')}`)
  }
  const good = merged.filter((item) => item.good).toSorted(newestFirst)
  for (const group of new Set(good.map(({ database }) => database))) {
    const own = good.filter(({ database }) => database === group)
    const whole = own.find(({ complete }) => complete)
    if (whole !== undefined && whole !== own[0]) keep(whole.id, 'the newest with every database in it')
    for (const name of new Set(own.flatMap(({ covers }) => covers))) {
      const newest = own.find(({ covers }) => covers.includes(name))
      if (newest !== undefined && newest !== own[0]) keep(newest.id, `the newest with "${name}" in it`)
    }
  }
  return reasons
}

/** Of each database in it, and the newest that is complete. */
function newestOf<T extends Kept>(copies: readonly T[]): ReadonlySet<T> {
  const newest = new Set<T>()
  const good = copies.filter((item) => item.good).toSorted(newestFirst)
  for (const group of new Set(good.map(({ database }) => database))) {
    const own = good.filter(({ database }) => database === group)
    for (const found of [own[0], own.find(({ complete }) => complete)]) if (found !== undefined) newest.add(found)
    for (const name of new Set(own.flatMap(({ covers }) => covers))) {
      const found = own.find(({ covers }) => covers.includes(name))
      if (found !== undefined) newest.add(found)
    }
  }
  return newest
}

function newestFirst(a: Kept, b: Kept): number {
  return b.time.getTime() - a.time.getTime() || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}
