// What a run takes: a backup of all its databases at one moment, or a snapshot of each. A database that fails does not keep the others
// from being saved.

import { HayaiError, messageOf } from '../../base/errors.ts'
import type { Plan } from '../../project/plans.ts'
import type { Watch } from '../answers.ts'
import { backup } from '../backup/make.ts'
import { databasesOf, noDatabase, type Context } from '../context.ts'
import type { RunFailure, RunPart } from '../schedule-answers.ts'
import { snapshot } from '../snapshot.ts'

export interface Taken {
  /** Ids of what lies there now: snapshots, or one backup. */
  readonly ids: readonly string[]
  readonly backup: string | null
  readonly parts: readonly RunPart[]
}

export async function namesOf(context: Context, plan: Plan): Promise<readonly string[]> {
  const names = plan.databases.length > 0 ? plan.databases : (await databasesOf(context)).map(({ name }) => name)
  if (names.length > 0) return names
  throw await noDatabase(context)
}

export async function take(context: Context, plan: Plan, watch: Watch): Promise<Taken> {
  const names = await namesOf(context, plan)
  return plan.take === 'backup' ? takeBackup(context, plan, names, watch) : takeSnapshots(context, plan, names, watch)
}

function commonOf({ name, compression, encryption }: Plan) {
  return { plan: name, askedBy: 'schedule' as const, encrypt: encryption, ...(compression !== undefined && { compression }) }
}

async function takeBackup(context: Context, plan: Plan, names: readonly string[], watch: Watch): Promise<Taken> {
  const { backup: made } = await backup(context, { ...commonOf(plan), databases: names, keepGoing: true }, watch)
  if (made === null) throw new Error('a backup that was no dry run is not there')
  const { id, databases, missing } = made
  const saved = databases.map((part) => ({ database: part.database, snapshot: part.id, bytes: part.bytes, error: null }))
  const failed = missing.map(({ database, code, message }) => ({ database, snapshot: null, bytes: 0, error: { code, message } }))
  return { ids: [id], backup: id, parts: [...saved, ...failed] }
}

async function takeSnapshots(context: Context, plan: Plan, names: readonly string[], watch: Watch): Promise<Taken> {
  const parts: RunPart[] = []
  for (const database of names) {
    try {
      const { snapshot: made } = await snapshot(context, { ...commonOf(plan), database }, watch)
      if (made === null) throw new Error('a snapshot that was no dry run is not there')
      parts.push({ database, snapshot: made.id, bytes: made.bytes, error: null })
    } catch (error) {
      if (!(error instanceof HayaiError) || watch.signal?.aborted === true) throw error
      parts.push({ database, snapshot: null, bytes: 0, error: failureOf(error) })
    }
  }
  return { ids: parts.flatMap(({ snapshot: id }) => id ?? []), backup: null, parts }
}

export function failureOf(error: unknown): RunFailure {
  return { code: error instanceof HayaiError ? error.code : 'UNEXPECTED', message: messageOf(error) }
}
