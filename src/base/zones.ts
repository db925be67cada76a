// What the clock on the wall of a time zone shows, and when it shows it. A clock that is moved forward leaves a gap of times which
// never come; one that is moved back shows times twice.

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Read off a clock, to the minute. */
export interface Wall {
  readonly year: number
  /** 1 to 12. */
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
}

/** The machine's own. */
export function ownZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone
}

/** As the time zone database spells it, or another name for it. */
export function isZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(name)) return false // Intl also takes offsets, which are no zones
  try {
    clockOf(name)
    return true
  } catch {
    return false
  }
}

export function wallOf(time: Date, zone: string): Wall {
  const parts = new Map(
    clockOf(zone)
      .formatToParts(time)
      .map(({ type, value }) => [type, value]),
  )
  const part = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type))
  return { year: part('year'), month: part('month'), day: part('day'), hour: part('hour'), minute: part('minute') }
}

/** The number that UTC would have if its clock showed this. */
export function asUtc({ year, month, day, hour, minute }: Wall): number {
  return Date.UTC(year, month - 1, day, hour, minute)
}

/** Minutes ahead of UTC. */
export function offsetOf(time: Date, zone: string): number {
  return asUtc(wallOf(time, zone)) / MINUTE - Math.floor(time.getTime() / MINUTE)
}

/** `UTC`, `UTC+1`, `UTC-3:30`. */
export function offsetText(minutes: number): string {
  if (minutes === 0) return 'UTC'
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60]
  return `UTC${minutes < 0 ? '-' : '+'}${hours}${rest === 0 ? '' : `:${String(rest).padStart(2, '0')}`}`
}

/** `2026-01-08 02:00 (Europe/Lisbon, UTC)` */
export function inZone(time: Date, zone: string): string {
  const text = new Date(asUtc(wallOf(time, zone))).toISOString().slice(0, 16).replace('T', ' ')
  const offset = offsetText(offsetOf(time, zone))
  return `${text} (${zone === offset ? zone : `${zone}, ${offset}`})`
}

/** No zone has moved its clock twice within so long, but for a few days of the past. */
const REACH = 36 * HOUR

/** When the clock shows this: once, or twice; or, where it never does, not at all, and when the gap ends. */
export function momentsOf(wall: Wall, zone: string): { readonly times: readonly Date[]; readonly gapEnds: Date | undefined } {
  const shown = asUtc(wall)
  const offsets = [...new Set([offsetOf(new Date(shown - REACH), zone), offsetOf(new Date(shown + REACH), zone)])]
  const times = offsets
    .map((offset) => new Date(shown - offset * MINUTE))
    .filter((time) => asUtc(wallOf(time, zone)) === shown)
    .toSorted((a, b) => a.getTime() - b.getTime())
  if (times.length > 0) return { times, gapEnds: undefined }
  let [before, after] = [Math.floor((shown - REACH) / MINUTE), Math.floor((shown + REACH) / MINUTE)]
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    const time = new Date(middle * MINUTE)
    if (asUtc(wallOf(time, zone)) < shown) before = middle
    else after = middle
  }
  return { times, gapEnds: new Date(after * MINUTE) }
}

/** The offset of a whole day, when the clock is not moved on it or close to it; undefined when it may be. */
export function steadyOffset(midnight: number, zone: string): number | undefined {
  const [before, after] = [offsetOf(new Date(midnight - REACH), zone), offsetOf(new Date(midnight + DAY + REACH), zone)]
  return before === after ? before : undefined
}

const clocks = new Map<string, Intl.DateTimeFormat>()

function clockOf(zone: string): Intl.DateTimeFormat {
  const known = clocks.get(zone)
  if (known !== undefined) return known
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'iso8601',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  })
  clocks.set(zone, made)
  return made
}
