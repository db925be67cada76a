// In the child: tables that came out of a snapshot go again, and those that they replaced come back, in one transaction.

import type { DatabaseSync } from 'node:sqlite'
import { tablesChanged } from '../../base/receipt.ts'
import type { Transplanted } from '../engine.ts'
import { explained, openLive, patiently, quoted } from './connection.ts'
import { digestOfRows } from './outline.ts'
import type { Requests } from './protocol.ts'
import { bring, notesOn, schemaOf } from './transplant.ts'

type Back = Requests['takeBack']

export async function takeBack(back: Back, permitted: () => void): Promise<Pick<Transplanted, 'notes'>> {
  const from = back.from === null ? undefined : openLive(back.from)
  try {
    const to = openLive(back.to)
    try {
      if (back.from !== null) to.prepare('ATTACH DATABASE ? AS hayai_from').run(back.from)
      to.exec('PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON')
      return await inOneStep(back, from, to, permitted)
    } catch (error) {
      throw explained(error, back.to)
    } finally {
      to.close()
    }
  } finally {
    from?.close()
  }
}

async function inOneStep(
  back: Back,
  from: DatabaseSync | undefined,
  to: DatabaseSync,
  permitted: () => void,
): Promise<Pick<Transplanted, 'notes'>> {
  const { added, replaced, anyway, patience } = back
  await patiently(back.to, patience, () => to.exec('BEGIN IMMEDIATE'))
  try {
    const changed = [...added, ...replaced].filter((table) => isChanged(back, table, from, to))
    if (changed.length > 0 && !anyway) throw tablesChanged(changed)
    for (const table of [...added, ...replaced]) to.exec(`DROP TABLE IF EXISTS main.${quoted(table)}`)
    if (from !== undefined) for (const table of replaced) bring(to, from, table)
    const notes = replaced.flatMap((table) => notesOn(to, table))
    permitted()
    await patiently(back.to, patience, () => to.exec('COMMIT'))
    return { notes }
  } catch (error) {
    if (to.isTransaction) to.exec('ROLLBACK')
    throw error
  }
}

function isChanged({ digests }: Back, table: string, from: DatabaseSync | undefined, to: DatabaseSync): boolean {
  if (!has(to, table)) return false
  const now = digestOfRows(to, table)
  return now !== digests[table] && !(from !== undefined && has(from, table) && digestOfRows(from, table) === now)
}

function has(db: DatabaseSync, table: string): boolean {
  return schemaOf(db).some(({ type, name }) => type === 'table' && name.toLowerCase() === table.toLowerCase())
}
