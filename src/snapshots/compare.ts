// Are two censuses of the same data? The answer is a list of differences, each a sentence; none means yes. Of a moving one only
// the tables are looked for: how many rows they have nobody knows.

import type { Census, Engine } from '../engines/engine.ts'

type Counted = Engine['counts']

export function compareCensus(expected: Census, found: Census, { what }: Counted): readonly string[] {
  if (expected.resting === true) return [] // counted where it was laid down, before its server started
  if (expected.moving === true) {
    const missing = Object.keys(expected.tables).filter((name) => countOf(found.tables, name) === undefined)
    return missing.map((name) => `${name} expected, and it is not there`)
  }
  return [
    ...differences(expected.tables, found.tables, (name, rows) => `${rows} ${rows === 1 ? what : `${what}s`} in ${name}`),
    ...differences(expected.objects, found.objects, (name, count) => `${count} ${name}`),
  ]
}

/** What it means that there were no differences. */
export function agreement({ moving, resting }: Census): string {
  if (resting === true) return 'as many files and bytes as in the snapshot, counted before the server started'
  return moving === true ? 'every table is there; others wrote meanwhile, so no rows were compared' : 'every count as in the manifest'
}

type Counts = Readonly<Record<string, number>>

function* differences(expected: Counts, found: Counts, say: (name: string, count: number) => string): Generator<string> {
  for (const name of new Set([...Object.keys(expected), ...Object.keys(found)])) {
    const [wanted, got] = [countOf(expected, name), countOf(found, name)]
    if (wanted === got) continue
    if (got === undefined) yield `${say(name, wanted ?? 0)} expected, and it is not there`
    else if (wanted === undefined) yield `${say(name, got)} found, and there was no such thing in the snapshot`
    else yield `${say(name, wanted)} expected, ${got} found`
  }
}

// A table may well be called `constructor`.
function countOf(counts: Counts, name: string): number | undefined {
  return Object.hasOwn(counts, name) ? counts[name] : undefined
}
