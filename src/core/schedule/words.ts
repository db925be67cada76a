// A plan in words: when it runs, what it takes and checks, where that goes, and what is kept.

import { fieldsOf, parseCron } from '../../base/cron.ts'
import { ownZone } from '../../base/zones.ts'
import type { DeclaredRetention, Plan, Verifying } from '../../project/plans.ts'

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December']

/** What the plan does, as sentences; `folders` are those of its destinations, `told` the names of those who are told how it went. */
export function planInWords(plan: Plan, folders: readonly string[], told: readonly string[]): readonly string[] {
  const { take, databases, schedule, compression = 'none', encryption, verify, retention, hooks } = plan
  const which = databases.length === 0 ? 'all databases' : listed(databases)
  const packed = [...(compression === 'none' ? [] : [`compressed with ${compression}`]), ...(encryption ? ['encrypted'] : [])]
  const what =
    take === 'backup'
      ? `a backup of ${which}, of one moment`
      : `a snapshot of ${databases.length === 0 ? 'each database' : `each of ${which}`}`
  return [
    `${schedule === '' ? 'When it is called' : capital(cronInWords(schedule))}${schedule === '' ? '' : ` (${plan.timezone ?? ownZone()})`} it takes ${what}${packed.length === 0 ? '' : `, ${packed.join(' and ')}`}.`,
    `${verifyInWords(verify)}${folders.length === 0 ? '' : `, and it is copied to ${listed(folders)}`}.`,
    `It keeps ${keepsInWords(retention)}.`,
    ...hooksInWords(hooks),
    ...(told.length === 0 ? [] : [`It tells ${listed(told)} how it went.`]),
  ]
}

function hooksInWords({ before, after, onFailure, timeout }: Plan['hooks']): readonly string[] {
  const when = [
    ...(before.length === 0 ? [] : ['before it']),
    ...(after.length === 0 ? [] : ['after it']),
    ...(onFailure.length === 0 ? [] : ['when it fails']),
  ]
  const limit = timeout % 60_000 === 0 ? `${timeout / 60_000} min` : `${timeout / 1000} s`
  return when.length === 0 ? [] : [`Commands run ${listed(when)}, each for at most ${limit}.`]
}

/** `every day at 02:00`; of a line that is no plain one, the line. */
export function cronInWords(line: string): string {
  const cron = parseCron(line)
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = fieldsOf(line)
  const days = daysInWords(cron, { day, month, weekday })
  const step = /^\*\/(\d+)$/.exec(minute)
  if (days === 'every day' && hour === '*' && minute === '*') return 'every minute'
  if (days === 'every day' && hour === '*' && step !== null && 60 % Number(step[1]) === 0) return `every ${step[1]} minutes`
  const [first] = cron.minutes
  if (days === 'every day' && hour === '*' && cron.minutes.length === 1)
    return first === 0 ? 'every hour' : `every hour, ${first} minutes past`
  if (days === undefined || cron.hours.length * cron.minutes.length > 4) return `as "${line}" says`
  const times = cron.hours.flatMap((each) => cron.minutes.map((past) => `${two(each)}:${two(past)}`))
  return `${days} at ${listed(times)}`
}

function daysInWords(
  { days, months, weekdays, eitherDay }: ReturnType<typeof parseCron>,
  { day, month, weekday }: { readonly day: string; readonly month: string; readonly weekday: string },
): string | undefined {
  if (eitherDay || [day, month, weekday].some((field) => field.includes('/'))) return undefined
  const inMonths = month === '*' ? '' : ` in ${listed(months.map((each) => MONTHS[each - 1] ?? ''))}`
  if (day === '*' && weekday === '*') return month === '*' ? 'every day' : `every day${inMonths}`
  if (day === '*') {
    const isRange = weekdays.length > 2 && weekdays.every((each, at) => at === 0 || each === (weekdays[at - 1] ?? 0) + 1)
    const names = weekdays.map((each) => WEEKDAYS[each] ?? '')
    return `every ${isRange ? `day from ${names[0]} to ${names.at(-1)}` : listed(names)}${inMonths}`
  }
  if (days.length > 4) return undefined
  return `on day ${listed(days.map(String))} of ${month === '*' ? 'every month' : listed(months.map((each) => MONTHS[each - 1] ?? ''))}`
}

function verifyInWords(how: Verifying): string {
  if (how === 'never') return 'It is not checked'
  if (how === 'digest') return 'It is read again and its digest compared'
  if (how.restore === 'always') return 'A restore of it is tried'
  return `A restore of the first of each ${{ daily: 'day', weekly: 'week', monthly: 'month' }[how.restore]} is tried, and of the others the digest is compared`
}

/** What is kept besides what always is. */
export function keepsInWords(retention: DeclaredRetention | undefined): string {
  if (retention === undefined) return 'everything, for ever'
  const { within, minimum, last, ...periods } = retention
  const each = { hourly: 'hour', daily: 'day', weekly: 'week', monthly: 'month', yearly: 'year' } as const
  const rules = [
    ...(last ? [`the last ${last}`] : []),
    ...(['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const).flatMap((name) => {
      const many = periods[name]
      return many
        ? [`the newest of each of the last ${many === 1 ? each[name] : `${many} ${each[name]}s`} that ${many === 1 ? 'has' : 'have'} one`]
        : []
    }),
    ...(within === undefined ? [] : [`what is at most ${within} older than the newest`]),
  ]
  if (rules.length === 0) return 'everything, for ever'
  const least = minimum ? `, ${minimum} at least` : ''
  return `${listed(rules)}${least}; always the newest whole one, the newest proven one, what is pinned, and what has not come to every destination`
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}
