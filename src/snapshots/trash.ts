// Snapshots that were taken away, and wait in the store's `.trash/` until their grace period ends. A record of what goes is there
// before the first of them goes; each is there a second time before it is gone from its place.

import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { once, text } from '../base/bytes.ts'
import { HayaiError, isCode } from '../base/errors.ts'
import type { Store } from '../stores/store.ts'
import { manifestNameOf } from './naming.ts'
import type { Named } from './renaming.ts'
import { claim, release } from './unfinished.ts'

export interface Discarded {
  readonly stem: string
  /** The snapshot's own. */
  readonly id: string
  readonly database: string
  readonly instant: string
  readonly files: readonly string[]
}

/** What one command took away. */
export interface Discard {
  /** 8 hexadecimal digits. */
  readonly id: string
  readonly at: string
  /** Until when it can come back. */
  readonly until: string
  readonly snapshots: readonly Discarded[]
}

const TRASH = '.trash/'

/** Writes down what will go, and until when it can come back. Nothing has gone yet. */
export async function announce(store: Store, going: readonly Named[], until: Date): Promise<Discard> {
  const snapshots = going.map(({ stem, manifest }) => ({
    stem,
    id: manifest.id,
    database: manifest.database,
    instant: manifest.instant,
    files: manifest.files.map(({ name }) => name),
  }))
  const discard = { id: randomBytes(4).toString('hex'), at: new Date().toISOString(), until: until.toISOString(), snapshots }
  await store.put(recordKey(discard.id), once(JSON.stringify(discard, null, 2)), { ifAbsent: true })
  return discard
}

/** Takes one of them away. A data file that another manifest names too stays in its place, and one that is gone already is gone. */
export async function discard(store: Store, { id }: Discard, { stem, files }: Discarded, shared: ReadonlySet<string>): Promise<void> {
  const going = files.filter((name) => !shared.has(name))
  for (const name of going) await copyIfThere(store, name, heldKey(id, name))
  await store.copy(manifestNameOf(stem), heldKey(id, manifestNameOf(stem)))
  await claim(store, stem, { file: going[0] ?? '' })
  await store.delete(manifestNameOf(stem))
  for (const name of going) await store.delete(name)
  await release(store, stem)
}

/** What waits there, the newest first; what was announced and did not go is not told of. */
export async function discards(store: Store): Promise<readonly Discard[]> {
  const held = new Set((await store.list(TRASH)).map(({ key }) => key))
  const gone =
    ({ id }: Discard) =>
    ({ stem }: Discarded): boolean =>
      held.has(heldKey(id, manifestNameOf(stem)))
  return (await records(store, [...held])).map((each) => ({ ...each, snapshots: each.snapshots.filter(gone(each)) }))
}

async function records(store: Store, held: readonly string[]): Promise<readonly Discard[]> {
  const keys = held.filter((key) => /^\.trash\/[0-9a-f]{8}\.json$/.test(key))
  const read = await Promise.all(keys.map((key) => readRecord(store, key)))
  return read.filter((each) => each !== undefined).toSorted((a, b) => b.at.localeCompare(a.at))
}

/** Brings back what a command took away, or only those of these ids; what is still in its place, or there again, stays as it is. */
export async function bringBack(store: Store, from: Discard, ids?: readonly string[]): Promise<readonly Discarded[]> {
  const wanted = from.snapshots.filter(({ id }) => ids === undefined || ids.includes(id))
  const held = new Set((await store.list(TRASH)).map(({ key }) => key))
  const back: Discarded[] = []
  for (const each of wanted) {
    if (!held.has(heldKey(from.id, manifestNameOf(each.stem)))) continue // the command was killed before its turn came
    if (await placeBack(store, from.id, each, held)) back.push(each)
  }
  const left = from.snapshots.filter((each) => !wanted.includes(each))
  const announced = (await records(store, [recordKey(from.id)]))[0]?.snapshots ?? []
  for (const each of announced) if (!left.some(({ id }) => id === each.id)) await forget(store, from.id, each)
  if (left.length === 0) await store.delete(recordKey(from.id))
  else await store.put(recordKey(from.id), once(JSON.stringify({ ...from, snapshots: left }, null, 2)), { ifAbsent: false })
  return back
}

/** Deletes for good what has waited for long enough. */
export async function expire(store: Store, now: Date): Promise<readonly Discard[]> {
  const keys = (await store.list(TRASH)).map(({ key }) => key)
  const over = (await records(store, keys)).filter(({ until }) => Date.parse(until) < now.getTime())
  for (const { id, snapshots } of over) {
    for (const each of snapshots) await forget(store, id, each)
    await store.delete(recordKey(id))
  }
  return over
}

async function placeBack(store: Store, id: string, each: Discarded, held: ReadonlySet<string>): Promise<boolean> {
  const { stem, files } = each
  const there = new Set((await store.list(`${stem}.`)).map(({ key }) => key))
  if (there.has(manifestNameOf(stem))) {
    if ((await text(store.get(manifestNameOf(stem)))).includes(`"${each.id}"`)) return false
    throw new HayaiError('CONFLICT', `there is another snapshot called ${stem} by now`, { hint: `hayai snapshot rename ${stem} NEW-NAME` })
  }
  await claim(store, stem, { file: files[0] ?? '' })
  try {
    for (const name of files) if (held.has(heldKey(id, name))) await copyUnlessThere(store, heldKey(id, name), name)
    await store.copy(heldKey(id, manifestNameOf(stem)), manifestNameOf(stem))
  } finally {
    await release(store, stem)
  }
  return true
}

async function forget(store: Store, id: string, { stem, files }: Discarded): Promise<void> {
  for (const name of [...files, manifestNameOf(stem)]) await store.delete(heldKey(id, name))
}

async function copyIfThere(store: Store, key: string, to: string): Promise<void> {
  await store.copy(key, to).catch((error: unknown) => {
    if (!isCode(error, 'NOT_FOUND')) throw error
  })
}

async function copyUnlessThere(store: Store, key: string, to: string): Promise<void> {
  await store.copy(key, to).catch((error: unknown) => {
    if (!isCode(error, 'CONFLICT')) throw error
  })
}

/** undefined when it has gone meanwhile, or cannot be read: then it waits for a person. */
async function readRecord(store: Store, key: string): Promise<Discard | undefined> {
  try {
    const parsed = record.safeParse(JSON.parse(await text(store.get(key))))
    return parsed.success ? parsed.data : undefined
  } catch (error) {
    if (isCode(error, 'NOT_FOUND') || error instanceof SyntaxError) return undefined
    throw error
  }
}

const plainName = z.string().regex(/^[^./\\\0][^/\\\0]*$/)
const record: z.ZodType<Discard> = z.object({
  id: z.string().regex(/^[0-9a-f]{8}$/),
  at: z.iso.datetime(),
  until: z.iso.datetime(),
  snapshots: z.array(z.object({ stem: plainName, id: z.string(), database: z.string(), instant: z.string(), files: z.array(plainName) })),
})

function recordKey(id: string): string {
  return `${TRASH}${id}.json`
}

function heldKey(id: string, name: string): string {
  return `${TRASH}${id}.${name}`
}
