// How copies have piled up: what was added in each day, week or month, and how much it was in all by its end.

export interface Pile {
  readonly time: Date
  readonly bytes: number
}

export interface Growth {
  /** The first day of it: `2026-01-08`, in UTC. */
  readonly from: string
  readonly added: number
  /** Of what is still there: everything up to the end of it. */
  readonly total: number
}

export type Step = 'day' | 'week' | 'month'

const DAY = 86_400_000

/** The finest step by which everything fits into so many; the last ones where even months are too many. */
export function growthOf(piles: readonly Pile[], most: number): { readonly by: Step; readonly growth: readonly Growth[] } {
  const sorted = piles.toSorted((a, b) => a.time.getTime() - b.time.getTime())
  const [first] = sorted
  const last = sorted.at(-1)
  if (first === undefined || last === undefined) return { by: 'day', growth: [] }
  for (const by of ['day', 'week', 'month'] as const) {
    const starts = startsFrom(first.time, last.time, by)
    if (starts.length <= most || by === 'month') return { by, growth: inSteps(sorted, starts, by).slice(-most) }
  }
  throw new Error('there is no coarser step than a month')
}

function inSteps(piles: readonly Pile[], starts: readonly Date[], by: Step): readonly Growth[] {
  const added = new Map<number, number>(starts.map((start) => [start.getTime(), 0]))
  for (const { time, bytes } of piles) {
    const start = startOf(time, by).getTime()
    added.set(start, (added.get(start) ?? 0) + bytes)
  }
  let total = 0
  return starts.map((start) => {
    const more = added.get(start.getTime()) ?? 0
    total += more
    return { from: start.toISOString().slice(0, 10), added: more, total }
  })
}

function startsFrom(first: Date, last: Date, by: Step): readonly Date[] {
  const starts: Date[] = []
  for (let at = startOf(first, by); at.getTime() <= last.getTime(); at = next(at, by)) starts.push(at)
  return starts
}

/** Weeks begin on Monday. */
function startOf(time: Date, by: Step): Date {
  const day = new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth(), by === 'month' ? 1 : time.getUTCDate()))
  return by === 'week' ? new Date(day.getTime() - ((day.getUTCDay() + 6) % 7) * DAY) : day
}

function next(start: Date, by: Step): Date {
  if (by === 'month') return new Date(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 1))
  return new Date(start.getTime() + (by === 'week' ? 7 : 1) * DAY)
}
