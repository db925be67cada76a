// The countable facts of a server: the same whether they were counted in a file or asked of the server.

import type { Census } from '../engine.ts'
import { information, type Session } from './session.ts'

export interface Counts {
  /** Number of the db → keys, and how many of them have a time to live. */
  readonly dbs: ReadonlyMap<number, { readonly keys: number; readonly expiring: number }>
  /** Of functions. */
  readonly libraries: number
}

export function census({ dbs, libraries }: Counts): Census {
  const filled = new Map([[0, { keys: 0, expiring: 0 }], ...dbs])
  const inOrder = [...filled].toSorted(([a], [b]) => a - b).filter(([db, { keys }]) => db === 0 || keys > 0)
  return {
    tables: Object.fromEntries(inOrder.map(([db, { keys }]) => [`db${db}`, keys])),
    objects: {
      ...Object.fromEntries(inOrder.map(([db, { expiring }]) => [`db${db}/keys that expire`, expiring])),
      'function libraries': libraries,
    },
  }
}

export async function askCounts(session: Session): Promise<Counts> {
  const dbs = new Map<number, { keys: number; expiring: number }>()
  for (const [name, value] of Object.entries(await information(session, 'keyspace'))) {
    const [, keys, expiring] = /^keys=(\d+),expires=(\d+)/.exec(value) ?? []
    if (/^db\d+$/.test(name)) dbs.set(Number(name.slice(2)), { keys: Number(keys), expiring: Number(expiring) })
  }
  return { dbs, libraries: await askLibraries(session) }
}

async function askLibraries(session: Session): Promise<number> {
  const libraries = await session.askIfKnown('FUNCTION', 'LIST') // from version 7 on
  return Array.isArray(libraries) ? libraries.length : 0
}
