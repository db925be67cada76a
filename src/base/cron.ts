// Cron lines: five fields of a wall clock's time, and when that time comes in a time zone.
//
// A time that the clock leaves out when it is moved forward comes right after the gap, once however many were left out; one that it
// shows twice comes the first time only. A line that names every hour means hours as they pass: it comes in both of two equal ones.
// As in every cron: when both days of the month and days of the week are named, either will do.

import { momentsOf, steadyOffset, wallOf, type Wall } from './zones.ts'

export interface Cron {
  readonly minutes: readonly number[]
  readonly hours: readonly number[]
  readonly days: readonly number[]
  readonly months: readonly number[]
  /** 0 is Sunday. */
  readonly weekdays: readonly number[]
  /** Days of the month and of the week were both named. */
  readonly eitherDay: boolean
}

/** What is wrong with a line, as the end of "it must be ...". */
export class CronFlaw extends Error {}

interface Field {
  readonly name: string
  readonly least: number
  readonly most: number
  readonly words: readonly string[]
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] as const
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const
const MINUTE: Field = { name: 'minute', least: 0, most: 59, words: [] }
const HOUR: Field = { name: 'hour', least: 0, most: 23, words: [] }
const DAY: Field = { name: 'day of the month', least: 1, most: 31, words: [] }
const MONTH: Field = { name: 'month', least: 1, most: 12, words: MONTHS }
const WEEKDAY: Field = { name: 'day of the week', least: 0, most: 7, words: WEEKDAYS }

const NICKNAMES: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
}

/** The five fields that a line stands for. */
export function fieldsOf(line: string): readonly string[] {
  const text = line.trim().toLowerCase()
  if (!text.startsWith('@')) return text.split(/\s+/)
  const meant = NICKNAMES[text]
  if (meant !== undefined) return meant.split(' ')
  throw new CronFlaw(`five fields, or one of ${Object.keys(NICKNAMES).join(', ')}`)
}

/** Throws CronFlaw. */
export function parseCron(line: string): Cron {
  const fields = fieldsOf(line)
  const [minute, hour, day, month, weekday, ...rest] = fields
  if (minute === undefined || hour === undefined || day === undefined || month === undefined || weekday === undefined || rest.length > 0) {
    throw new CronFlaw(`a cron line of five fields, such as "0 2 * * *" (minute, hour, day, month, day of the week)`)
  }
  const cron = {
    minutes: valuesOf(minute, MINUTE),
    hours: valuesOf(hour, HOUR),
    days: valuesOf(day, DAY),
    months: valuesOf(month, MONTH),
    weekdays: [...new Set(valuesOf(weekday, WEEKDAY).map((value) => value % 7))].toSorted((a, b) => a - b),
    eitherDay: !day.startsWith('*') && !weekday.startsWith('*'),
  }
  const longest = Math.max(...cron.months.map((each) => [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][each - 1] ?? 31))
  if (!cron.eitherDay && Math.min(...cron.days) > longest) throw new CronFlaw('a cron line of a day that comes')
  return cron
}

function valuesOf(text: string, field: Field): readonly number[] {
  const values = new Set<number>()
  for (const part of text.split(',')) {
    const found = /^(?:(\*)|([0-9a-z]+)(?:-([0-9a-z]+))?)(?:\/(\d{1,2}))?$/.exec(part)
    if (found === null) throw new CronFlaw(`a cron line whose ${field.name} is like *, 5, 1-5, */2 or 1,3`)
    const [, every, from, to, by] = found
    const step = by === undefined ? 1 : Number(by)
    const first = every === undefined ? numberOf(from ?? '', field) : field.least
    const last = every === undefined ? numberOf(to ?? (by === undefined ? (from ?? '') : String(field.most)), field) : field.most
    if (step === 0) throw new CronFlaw(`a cron line whose ${field.name} has a step of 1 or more`)
    if (first > last) throw new CronFlaw(`a cron line whose ${field.name} does not run backwards`)
    for (let value = first; value <= last; value += step) values.add(value)
  }
  return [...values].toSorted((a, b) => a - b)
}

function numberOf(text: string, { name, least, most, words }: Field): number {
  const word = words.indexOf(text)
  const value = word === -1 ? (/^\d{1,2}$/.test(text) ? Number(text) : Number.NaN) : word + (words === MONTHS ? 1 : 0)
  if (value >= least && value <= most) return value
  const names = words.length === 0 ? '' : `, or ${words[0]} to ${words.at(-1)}`
  throw new CronFlaw(`a cron line whose ${name} is from ${least} to ${most}${names}`)
}

const DAY_LENGTH = 24 * 3600 * 1000
/** The longest that a line may wait: from one 29 February to the next, over a year such as 2100. */
const FARTHEST = 9 * 366

/** The first time after that one. */
export function nextTime(cron: Cron, zone: string, after: Date): Date | undefined {
  return search(cron, zone, after, 1, (times) => times.find((time) => time > after.getTime()))
}

/** The last time that has come by then. */
export function lastTime(cron: Cron, zone: string, by: Date): Date | undefined {
  return search(cron, zone, by, -1, (times) => times.findLast((time) => time <= by.getTime()))
}

function search(
  cron: Cron,
  zone: string,
  around: Date,
  direction: 1 | -1,
  pick: (times: readonly number[]) => number | undefined,
): Date | undefined {
  const { year, month, day } = wallOf(around, zone)
  const today = Date.UTC(year, month - 1, day)
  // A gap may move a time to the day after its own, so the search begins a day early, and looks at one more when it has found.
  for (let step = -1; step <= FARTHEST; step++) {
    const midnight = today + direction * step * DAY_LENGTH
    const found = pick(timesOf(cron, zone, midnight))
    if (found === undefined) continue
    const next = pick(timesOf(cron, zone, midnight + direction * DAY_LENGTH))
    return new Date(next === undefined ? found : direction === 1 ? Math.min(found, next) : Math.max(found, next))
  }
  return undefined
}

/** Every time of one day, the day given as UTC's midnight of the same date; in order, each once. */
function timesOf(cron: Cron, zone: string, midnight: number): readonly number[] {
  const date = new Date(midnight)
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()]
  if (!isDay(cron, month, day, date.getUTCDay())) return []
  const steady = steadyOffset(midnight, zone)
  const times = new Set<number>()
  for (const hour of cron.hours) {
    for (const minute of cron.minutes) {
      if (steady !== undefined) times.add(midnight + (hour * 60 + minute - steady) * 60_000)
      else for (const time of timesAt(cron, zone, { year, month, day, hour, minute })) times.add(time.getTime())
    }
  }
  return [...times].toSorted((a, b) => a - b)
}

function timesAt({ hours }: Cron, zone: string, wall: Wall): readonly Date[] {
  const { times, gapEnds } = momentsOf(wall, zone)
  if (gapEnds !== undefined) return [gapEnds]
  return hours.length === 24 ? times : times.slice(0, 1)
}

function isDay({ days, months, weekdays, eitherDay }: Cron, month: number, day: number, weekday: number): boolean {
  if (!months.includes(month)) return false
  const [byDay, byWeekday] = [days.includes(day), weekdays.includes(weekday)]
  return eitherDay ? byDay || byWeekday : byDay && byWeekday
}
