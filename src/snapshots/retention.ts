// Which snapshots to keep, and why: a pure function of what there is and what is asked. It serves `prune`, schedules and whole
// backups alike, and takes no clock: the newest good item of a database is its "now", so that nothing more goes only because
// nothing new came, and so that the same question asked twice has the same answer.
//
// Of each database it always keeps: the newest good item (the newest of all where none is good), what is pinned, what is in use,
// and the newest that was proven by a restore. Then each rule keeps the newest good item of as many hours, days, weeks (from
// Monday), months or years as it says, counting only those in which there is one. Hours and days are those of a time zone, the
// machine's own when none is named; an hour that a clock passes twice is two hours.

import { HayaiError } from '../base/errors.ts'
import { asUtc, offsetOf, offsetText, ownZone, wallOf } from '../base/zones.ts'

export interface Item {
  readonly id: string
  readonly database: string
  /** The moment that the data is of. */
  readonly time: Date
  readonly pinned: boolean
  /** Whole, as far as is known. What is not good is kept by no rule. */
  readonly good: boolean
  /** Its last trial restore succeeded. */
  readonly proven: boolean
  /** What is being done with it now, if something is: `it is being restored`. */
  readonly use: string | undefined
}

export interface Duration {
  readonly years: number
  readonly months: number
  readonly days: number
  readonly hours: number
}

/** Each how many to keep of its kind; rules that are not given keep nothing. */
export interface Retention {
  readonly last?: number
  readonly hourly?: number
  readonly daily?: number
  readonly weekly?: number
  readonly monthly?: number
  readonly yearly?: number
  /** Everything that is younger than the newest good one by no more than this. */
  readonly within?: Duration
  /** So many newest at least, whatever the other rules say; alone it is no rule, and everything is kept. */
  readonly minimum?: number
}

export interface Verdict<T extends Item> {
  readonly item: T
  readonly keep: boolean
  /** At least one, each a phrase: why it is kept, or why it goes. */
  readonly reasons: readonly string[]
}

/** A verdict for each, by database, the newest first. Without any rule everything is kept. */
export function judge<T extends Item>(items: readonly T[], policy: Retention, zone = ownZone()): readonly Verdict<T>[] {
  const databases = [...new Set(items.map(({ database }) => database))].toSorted()
  return databases.flatMap((name) => judgeOne(items.filter(({ database }) => database === name).toSorted(newestFirst), policy, zone))
}

function newestFirst(a: Item, b: Item): number {
  return b.time.getTime() - a.time.getTime() || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}

function judgeOne<T extends Item>(items: readonly T[], policy: Retention, zone: string): readonly Verdict<T>[] {
  const reasons = new Map<T, string[]>(items.map((item) => [item, []]))
  const keep = (item: T | undefined, reason: string): void => void (item !== undefined && reasons.get(item)?.push(reason))
  const good = items.filter((item) => item.good)
  const [newest] = good
  keep(newest ?? items[0], newest === undefined ? 'the newest, and none is known to be whole' : 'the newest whole one')
  keep(
    good.find(({ proven }) => proven),
    'the newest that was proven by a restore',
  )
  for (const item of items) {
    if (item.pinned) keep(item, 'pinned')
    if (item.use !== undefined) keep(item, item.use)
  }
  for (const rule of RULES) keepByRule(good, rule, policy[rule.name] ?? 0, zone, keep)
  if (policy.within !== undefined && newest !== undefined) {
    const since = before(newest.time, policy.within).getTime()
    for (const item of good) if (item.time.getTime() >= since) keep(item, `within ${durationText(policy.within)} of the newest`)
  }
  const least = policy.minimum ?? 0
  for (const item of good.slice(0, least)) keep(item, `one of at least ${least}`)
  const all = !hasRules(policy)
  return items.map((item) => {
    const kept = reasons.get(item) ?? []
    if (all) kept.push('no rule was given')
    return {
      item,
      keep: kept.length > 0,
      reasons: kept.length > 0 ? kept : [item.good ? 'no rule keeps it' : 'damaged, or failed its verification'],
    }
  })
}

export function hasRules(policy: Retention): boolean {
  return policy.within !== undefined || RULES.some(({ name }) => (policy[name] ?? 0) > 0)
}

interface Rule {
  readonly name: 'last' | 'hourly' | 'daily' | 'weekly' | 'monthly' | 'yearly'
  /** What of two items makes them count as one. */
  readonly period: (item: Item, local: Local) => string
  readonly say: (nth: number, period: string) => string
}

const RULES: readonly Rule[] = [
  { name: 'last', period: ({ id }) => id, say: (nth) => (nth === 1 ? 'the last' : `among the last ${nth}`) },
  {
    name: 'hourly',
    period: (_, { day, hour, offset }) => `${day} ${hour}:00 ${offset}`,
    say: (nth, hour) => `hour ${nth}: the newest of ${hour}`,
  },
  { name: 'daily', period: (_, { day }) => day, say: (nth, day) => `day ${nth}: the newest of ${day}` },
  { name: 'weekly', period: (_, { monday }) => monday, say: (nth, monday) => `week ${nth}: the newest of the week of ${monday}` },
  { name: 'monthly', period: (_, { day }) => day.slice(0, 7), say: (nth, month) => `month ${nth}: the newest of ${month}` },
  { name: 'yearly', period: (_, { day }) => day.slice(0, 4), say: (nth, year) => `year ${nth}: the newest of ${year}` },
]

function keepByRule<T extends Item>(
  good: readonly T[],
  { period, say }: Rule,
  wanted: number,
  zone: string,
  keep: (item: T, reason: string) => void,
): void {
  if (wanted <= 0) return
  const seen = new Set<string>()
  for (const item of good) {
    const current = period(item, localOf(item.time, zone))
    if (seen.has(current)) continue
    seen.add(current)
    keep(item, say(seen.size, current))
    if (seen.size >= wanted) return
  }
}

interface Local {
  /** `2026-01-08` */
  readonly day: string
  /** The day on which its week began. */
  readonly monday: string
  readonly hour: string
  /** Minutes ahead of UTC, for hours that come twice. */
  readonly offset: string
}

const DAY = 24 * 3600 * 1000

function localOf(time: Date, zone: string): Local {
  const wall = wallOf(time, zone)
  const midnight = asUtc({ ...wall, hour: 0, minute: 0 })
  const weekday = (Math.floor(midnight / DAY) + 3) % 7 // the first of January 1970 was a Thursday
  return {
    day: dayText(midnight),
    monday: dayText(midnight - ((weekday + 7) % 7) * DAY),
    hour: String(wall.hour).padStart(2, '0'),
    offset: offsetText(offsetOf(time, zone)),
  }
}

function dayText(midnight: number): string {
  return new Date(midnight).toISOString().slice(0, 10)
}

/** Reads `30d`, `12h`, `2w`, `6m` (months), `1y`, and several in a row: `1y6m`. Throws USAGE. */
export function parseDuration(written: string): Duration {
  const found = /^(?:(\d{1,4})y)?(?:(\d{1,5})m)?(?:(\d{1,5})w)?(?:(\d{1,6})d)?(?:(\d{1,7})h)?$/.exec(written)
  const [years, months, weeks, days, hours] = (found ?? []).slice(1).map((digits: string | undefined) => Number(digits ?? 0))
  if (found === null || written === '') {
    throw new HayaiError('USAGE', `${JSON.stringify(written)} is not a length of time`, {
      hint: 'Write it like 30d, 12h, 2w, 6m (months) or 1y, or several in a row, the longest first: 1y6m.',
    })
  }
  return { years: years ?? 0, months: months ?? 0, days: (weeks ?? 0) * 7 + (days ?? 0), hours: hours ?? 0 }
}

/** Milliseconds that it is long when it ends at that time. */
export function lengthOf(duration: Duration, end: Date): number {
  return end.getTime() - before(end, duration).getTime()
}

/** Months are those of the calendar, in UTC; a day that a month does not have is its last. */
function before(time: Date, { years, months, days, hours }: Duration): Date {
  const month = time.getUTCFullYear() * 12 + time.getUTCMonth() - years * 12 - months
  const last = new Date(Date.UTC(Math.floor(month / 12), (month % 12) + 1, 0)).getUTCDate()
  const moved = new Date(time)
  moved.setUTCFullYear(Math.floor(month / 12), month % 12, Math.min(time.getUTCDate(), last))
  return new Date(moved.getTime() - days * DAY - hours * 3600 * 1000)
}

function durationText({ years, months, days, hours }: Duration): string {
  const parts = [years > 0 ? `${years}y` : '', months > 0 ? `${months}m` : '', days > 0 ? `${days}d` : '', hours > 0 ? `${hours}h` : '']
  return parts.join('') || '0h'
}
