// Several databases get other data together: all of them, or none. A journal says what is about to happen; after a failure or a
// crash the databases themselves are asked how far it came. All switched: then it is finished. Else those that are, go back.

import { rm } from 'node:fs/promises'
import { isCode } from '../../base/errors.ts'
import { withLock } from '../../base/locks.ts'
import { changeCatalog, readCatalog, withTogether, type DatabaseRecord } from '../../project/catalog.ts'
import { addToConfig, removeFromConfig } from '../../project/config.ts'
import { readJournal, removeJournal, writeJournal, type Journal } from '../../project/journal.ts'
import type { Generation } from '../../runtimes/runtime.ts'
import { audit } from '../audit.ts'
import { assemble, configOf, type Context, type Database } from '../context.ts'
import { unmake } from '../unmake.ts'
import { followVersion } from '../versions.ts'
import { withAll } from './together.ts'

export interface Step {
  readonly database: Database
  readonly from: string | null
  readonly to: string
  readonly fresh: boolean
  /** Makes `to` the live data. */
  readonly take: () => Promise<Generation>
}

/** What has to be known from before the first change. */
export type Announced = Pick<Journal, 'id' | 'restores' | 'made' | 'declared'>

/** Does the work while nobody else switches several databases; what a killed command left of that is put right before. */
export async function together<T>(context: Context, purpose: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  return withLock(context.paths.togetherLock, { purpose, signal }, async () => {
    await settle(context)
    return work()
  })
}

/** Says what is about to be made. To be called, with the locks held, before anything is. */
export function announce({ paths }: Context, announced: Announced): Promise<void> {
  return writeJournal(paths, { formatVersion: 1, at: new Date().toISOString(), ...announced, switches: [] })
}

export interface Attending {
  readonly stage: (name: string) => void
  /** Lets go of what was to be taken, before what was taken is given back. */
  readonly abandon?: () => Promise<void>
}

/** All steps, or none of them. */
export async function switchAll(
  context: Context,
  announced: Announced,
  steps: readonly Step[],
  { stage, abandon }: Attending,
): Promise<readonly Generation[]> {
  const switches = steps.map(({ database, from, to, fresh }) => ({ database: database.name, from, to, fresh }))
  const journal: Journal = { formatVersion: 1, at: new Date().toISOString(), ...announced, switches }
  await writeJournal(context.paths, journal)
  const done: Generation[] = []
  try {
    for (const { database, take } of steps) {
      stage(`switching ${database.name}`)
      done.push(await take())
    }
  } catch (error) {
    await abandon?.()
    await takeBack(context, journal)
    throw error
  }
  stage('all switched')
  await finish(context, journal)
  return done
}

/** Nothing was switched, and what was made for it goes. */
export async function giveUp(context: Context): Promise<void> {
  const journal = await readJournal(context.paths)
  if (journal !== undefined) await takeBack(context, journal)
}

/** Does nothing while somebody is at work with the journal: then the locks of the databases are what has to be waited for. */
export async function settleLeft(context: Context): Promise<void> {
  let mine = false
  try {
    await withLock(context.paths.togetherLock, { purpose: 'putting right what a killed command left', patience: 0 }, () => {
      mine = true
      return settle(context)
    })
  } catch (error) {
    if (mine || !isCode(error, 'LOCKED')) throw error
  }
}

async function settle(context: Context): Promise<void> {
  const left = await readJournal(context.paths)
  if (left === undefined) return
  const names = [...left.made, ...left.switches.map(({ database }) => database)]
  await withAll(context, names, { purpose: 'putting right what a killed command left' }, async () => {
    for (const { site } of await thereOf(context, names)) await site.recover()
    const switched = await Promise.all(left.switches.map(({ database, to }) => isLive(context, database, to)))
    await (switched.length > 0 && switched.every(Boolean) ? finish(context, left) : takeBack(context, left))
  })
}

async function thereOf(context: Context, names: readonly string[]): Promise<readonly Database[]> {
  const { databases } = await readCatalog(context.root)
  const there = [...new Set(names)].flatMap((name): (readonly [string, DatabaseRecord])[] => {
    const entry = databases[name]
    return entry === undefined ? [] : [[name, entry]]
  })
  return Promise.all(there.map(([name, entry]) => assemble(context, name, entry)))
}

async function isLive(context: Context, name: string, generation: string): Promise<boolean> {
  const [database] = await thereOf(context, [name])
  return ((await database?.site.generations()) ?? []).some((each) => each.live && each.name === generation)
}

async function finish(context: Context, { id, made, switches, restores }: Journal): Promise<void> {
  const names = switches.map(({ database }) => database)
  for (const database of await thereOf(context, made)) await declareMade(context, database)
  for (const database of await thereOf(context, names)) if (!made.includes(database.name)) await followVersion(context, database)
  if (restores) await changeCatalog(context.root, 'noting a restore of several databases', (catalog) => withTogether(catalog, names, id))
  await removeJournal(context.paths)
  for (const { database, from, to } of switches)
    await audit(context, restores ? 'backup restore' : 'undo all', database, { from, to, together: id })
}

async function declareMade(context: Context, { name, entry }: Database): Promise<void> {
  if ((await configOf(context))?.databases[name] !== undefined) return
  const version = entry.version === null ? {} : { version: entry.version }
  await addToConfig(context.root, context.configFile, name, { engine: entry.engine, ...version })
}

async function takeBack(context: Context, { id, made, declared, switches }: Journal): Promise<void> {
  for (const { database: name, from, to, fresh } of switches.toReversed()) {
    const [database] = await thereOf(context, [name])
    if (database === undefined || from === null || !(await isLive(context, name, to))) continue
    await database.site.switchTo(from)
    if (fresh) await database.site.drop(to)
    await audit(context, 'take back', name, { from: to, to: from, together: id })
  }
  for (const database of await thereOf(context, made)) await unmake(context, database)
  if (declared) await undeclare(context)
  await removeJournal(context.paths)
}

/** The declaration was the backup's; but for what others have begun meanwhile. */
async function undeclare(context: Context): Promise<void> {
  const { root, configFile, paths } = context
  const ours = await withLock(paths.configLock, { purpose: 'taking .hayaidb back' }, async () => {
    const { databases } = await readCatalog(root)
    const declared = Object.keys((await configOf(context))?.databases ?? {})
    if (declared.some((name) => databases[name] !== undefined)) return declared.filter((name) => databases[name] === undefined)
    await rm(configFile, { force: true })
    return []
  })
  for (const name of ours) await removeFromConfig(root, configFile, name)
}
