// What was replaced or removed is kept for a grace period, and then, and only then, deleted.

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { changeCatalog, readCatalog } from '../project/catalog.ts'
import { audit } from './audit.ts'
import { databasesOf, withDatabase, type Context } from './context.ts'

/** Days for which a removed database, or a generation that is not live any more, can be brought back. */
export const GRACE_DAYS = 7

/** Deletes removed databases and old generations whose grace period has ended. The one that undo leads to always stays. */
export async function sweepGrace(context: Context, now = new Date()): Promise<void> {
  await sweepRemoved(context, now)
  await sweepGenerations(context, now)
}

async function sweepRemoved(context: Context, now: Date): Promise<void> {
  const over = (await readCatalog(context.root)).removed.filter(({ until }) => Date.parse(until) < now.getTime())
  if (over.length === 0) return
  for (const { trash, record } of over) {
    await rm(context.paths.piecesFolder(record.id), { recursive: true, force: true })
    if (trash === null) continue
    await context.parts.runtimes[record.runtime]?.discard(join(trash, 'data'))
    await rm(trash, { recursive: true, force: true })
  }
  const ids = new Set(over.map(({ record }) => record.id))
  await changeCatalog(context.root, 'clearing what was removed long ago', (catalog) => ({
    ...catalog,
    removed: catalog.removed.filter(({ record }) => !ids.has(record.id)),
  }))
  for (const { name } of over) await audit(context, 'expire', name, {})
}

async function sweepGenerations(context: Context, now: Date): Promise<void> {
  const limit = now.getTime() - GRACE_DAYS * 24 * 3600 * 1000
  for (const database of await databasesOf(context)) {
    const old = (await database.site.generations()).filter(({ retired }) => retired !== undefined && Date.parse(retired) < limit)
    if (old.length === 0) continue
    await withDatabase(context, database, { purpose: `clearing old generations of "${database.name}"` }, async () => {
      const before = await database.site.neighbour(-1)
      for (const { name, live } of old) {
        if (live || name === before?.name) continue
        await database.site.drop(name)
        await audit(context, 'expire', database.name, { generation: name })
      }
    })
  }
}
