// report: how much room snapshots and backups take, by database and over time.

import { dirname } from 'node:path'
import { growthOf, type Pile } from '../snapshots/growth.ts'
import type { Manifest } from '../snapshots/manifest.ts'
import { backupsOf } from './backup/shelf.ts'
import type { Context } from './context.ts'
import { shelvesOf, viewOf } from './library.ts'
import type { DatabaseReport, FolderReport, LargeOrOld, ReportAnswer } from './overseeing.ts'

/** So many lines of a chart, and of each list, are read at a glance. */
const STEPS = 12
const LISTED = 5

interface Held {
  readonly what: 'snapshot' | 'backup'
  readonly database: string
  readonly format: string
  readonly at: string
  readonly bytes: number
  readonly plain: number
}

export async function report(context: Context): Promise<ReportAnswer> {
  const { held, folders, copies } = await lookAround(context)
  const piles: readonly Pile[] = copies.map(({ created, bytes }) => ({ time: new Date(created), bytes }))
  const { by, growth } = growthOf(piles, STEPS)
  const names = [...new Set(held.map(({ database }) => database))]
  return {
    folders,
    databases: names.map((name) => databaseReport(name, held)).toSorted((a, b) => b.bytes - a.bytes),
    growth,
    growthBy: by,
    largest: copies.toSorted((a, b) => b.bytes - a.bytes).slice(0, LISTED),
    oldest: copies.toSorted((a, b) => a.created.localeCompare(b.created)).slice(0, LISTED),
    bytes: copies.reduce((sum, { bytes }) => sum + bytes, 0),
    plain: copies.reduce((sum, { bytes }) => sum + bytes, 0) + held.reduce((sum, { plain, bytes }) => sum + plain - bytes, 0),
  }
}

interface Seen {
  readonly held: readonly Held[]
  readonly folders: readonly FolderReport[]
  readonly copies: readonly LargeOrOld[]
}

/** Files that nobody knows the database of count for their folder. A name for the newest is no file of its own, and does not count. */
async function lookAround(context: Context): Promise<Seen> {
  const held: Held[] = []
  const copies: LargeOrOld[] = []
  const folders: FolderReport[] = []
  for (const { folder, repository } of await shelvesOf(context)) {
    const here: LargeOrOld[] = []
    for (const listed of await repository.list()) {
      const { path, created, bytes, database } = viewOf(folder, listed)
      here.push({ what: 'snapshot', database: database === '' ? null : database, path, created, bytes })
      if (listed.kind === 'snapshot') held.push(heldOf('snapshot', listed.manifest))
    }
    folders.push({ what: 'snapshots', folder, copies: here.length, bytes: sumOf(here) })
    copies.push(...here)
  }
  const backups = await backupsOf(context)
  const made = backups.flatMap(({ view, manifest }) =>
    manifest === undefined
      ? []
      : [{ what: 'backup' as const, database: null, path: view.path, created: manifest.instant, bytes: view.bytes }],
  )
  held.push(...backups.flatMap(({ manifest }) => (manifest?.snapshots ?? []).map((each) => heldOf('backup', each))))
  for (const folder of new Set([context.paths.backups, ...made.map(({ path }) => dirname(path))])) {
    const here = made.filter(({ path }) => dirname(path) === folder)
    folders.push({ what: 'backups', folder, copies: here.length, bytes: sumOf(here) })
  }
  return { held, folders, copies: [...copies, ...made] }
}

function sumOf(copies: readonly LargeOrOld[]): number {
  return copies.reduce((sum, { bytes }) => sum + bytes, 0)
}

function heldOf(what: Held['what'], { database, format, instant, files }: Manifest): Held {
  const sum = (which: 'plain' | 'stored'): number => files.reduce((bytes, file) => bytes + file[which].bytes, 0)
  return { what, database, format, at: instant, bytes: sum('stored'), plain: sum('plain') }
}

function databaseReport(database: string, all: readonly Held[]): DatabaseReport {
  const own = all.filter((each) => each.database === database).toSorted((a, b) => a.at.localeCompare(b.at))
  const usual = own.at(-1)?.format
  return {
    database,
    snapshots: own.filter(({ what }) => what === 'snapshot').length,
    backups: own.filter(({ what }) => what === 'backup').length,
    bytes: own.reduce((sum, { bytes }) => sum + bytes, 0),
    plain: own.reduce((sum, { plain }) => sum + plain, 0),
    sizes: own.filter(({ format }) => format === usual).map(({ at, plain }) => ({ at, bytes: plain })),
  }
}
