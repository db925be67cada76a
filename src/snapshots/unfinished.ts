// A note beside a data file that is not a snapshot yet: `.<stem>.unfinished`. It reserves the stem for one writer, keeps the
// data file out of every list until its manifest is there, and tells whose it is, so that the next writer can clear up after
// the dead.

import { hostname } from 'node:os'
import { z } from 'zod'
import { once, text } from '../base/bytes.ts'
import { HayaiError, isCode } from '../base/errors.ts'
import { isAlive, self } from '../base/processes.ts'
import type { Entry, Store } from '../stores/store.ts'
import { manifestNameOf, stemOf } from './naming.ts'

const ATTEMPTS = 1000

/** A stem under which there is nothing, and which is the caller's alone until release(). `fileOf` names the data file it will get. */
export async function reserve(store: Store, database: string, at: Date, fileOf: (stem: string) => string): Promise<string> {
  const isFree = async (stem: string): Promise<boolean> => (await store.list(`${stem}.`)).length === 0
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const stem = stemOf(database, at, attempt)
    if (!(await isFree(stem))) continue
    try {
      await claim(store, stem, { file: fileOf(stem) })
    } catch (error) {
      if (isCode(error, 'CONFLICT')) continue
      throw error
    }
    if (await isFree(stem)) return stem
    await release(store, stem) // another was done with it in between
  }
  throw new HayaiError('CONFLICT', `there are ${ATTEMPTS} snapshots of "${database}" of this very second`, { hint: 'Wait a second.' })
}

/**
 * The note itself. CONFLICT when somebody else is at work on that stem. With a `successor` the note says that the snapshot goes
 * on under that stem: once its manifest is there, what is left under this one is rubbish.
 */
export async function claim(store: Store, stem: string, about: { readonly file: string; readonly successor?: string }): Promise<void> {
  const owner: Owner = { ...self(), host: hostname(), ...about }
  await store.put(noteOf(stem), once(JSON.stringify(owner)), { ifAbsent: true })
}

/** The stem under which a snapshot that was being renamed goes on. */
export async function successorOf(store: Store, stem: string): Promise<string | undefined> {
  const [note] = (await store.list(noteOf(stem))).filter(({ key }) => key === noteOf(stem))
  const owner = note === undefined ? 'released' : await ownerOf(store, note)
  return typeof owner === 'string' ? undefined : owner.successor
}

export async function release(store: Store, stem: string): Promise<void> {
  await store.delete(noteOf(stem))
}

/** The stems, among these files, that somebody has reserved and not released. */
export function reservedStems(entries: readonly Entry[]): readonly string[] {
  return entries.flatMap(({ key }) => /^\.(.+)\.unfinished$/s.exec(key)?.[1] ?? [])
}

/** Deletes the data files of writers that died before their manifest was there, and their notes. */
export async function clearUp(store: Store): Promise<void> {
  for (const note of await store.list('.')) {
    const [stem] = reservedStems([note])
    if (stem === undefined) continue
    const owner = await ownerOf(store, note)
    if (owner === 'released' || (owner !== 'unknown' && isAtWork(owner, note))) continue
    // Its owner is dead, so from here on nothing changes under it.
    const whole = await isWhole(store, stem)
    if (owner !== 'unknown') {
      const goesOn = whole && owner.successor !== undefined && (await isWhole(store, owner.successor))
      if (goesOn) await store.delete(manifestNameOf(stem))
      if ((!whole || goesOn) && owner.file.startsWith(`${stem}.`)) await store.delete(owner.file)
    }
    await release(store, stem)
  }
}

async function isWhole(store: Store, stem: string): Promise<boolean> {
  return (await store.list(`${stem}.`)).some(({ key }) => key === manifestNameOf(stem))
}

/** Of a writer on another machine nobody here knows whether it lives; after so long it does not. */
const FORGOTTEN = 7 * 24 * 60 * 60 * 1000

function isAtWork(owner: Owner, { modified }: Entry): boolean {
  return owner.host === hostname() ? isAlive(owner) : Date.now() - modified.getTime() < FORGOTTEN
}

interface Owner {
  readonly pid: number
  readonly started: string
  readonly host: string
  /** The data file, which may be there or not. */
  readonly file: string
  readonly successor?: string | undefined
}

async function ownerOf(store: Store, note: Entry): Promise<Owner | 'released' | 'unknown'> {
  try {
    const parsed = ownerSchema.safeParse(JSON.parse(await text(store.get(note.key))))
    return parsed.success ? parsed.data : 'unknown'
  } catch (error) {
    if (isCode(error, 'NOT_FOUND')) return 'released'
    if (error instanceof SyntaxError) return 'unknown'
    throw error
  }
}

const ownerSchema: z.ZodType<Owner> = z.object({
  pid: z.number(),
  started: z.string(),
  host: z.string(),
  file: z.string(),
  successor: z.string().optional(),
})

function noteOf(stem: string): string {
  return `.${stem}.unfinished`
}
