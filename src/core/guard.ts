// guard: a snapshot of each database, then a command that somebody does not quite trust, then what it has changed; and when it
// failed, all of it taken back, where that is wanted. While the command runs nothing is locked: it may use Hayai itself.

import { HayaiError, messageOf } from '../base/errors.ts'
import type { SnapshotView, Watch } from './answers.ts'
import { audit } from './audit.ts'
import type { Guarded, GuardAnswer, GuardRequest } from './comparing.ts'
import { databaseOf, type Context } from './context.ts'
import { diff } from './diff.ts'
import { list } from './list.ts'
import { restore } from './restore.ts'
import { recipientsFor } from './recipients.ts'
import { snapshot } from './snapshot.ts'
import { watching } from './watching.ts'

export async function guard(context: Context, request: GuardRequest, watch: Watch = {}): Promise<GuardAnswer> {
  const names = await namesOf(context, request.databases)
  const plan = [
    ...names.map((name) => `take a snapshot of "${name}"`),
    `run ${request.label}`,
    `tell what has changed in ${names.map((name) => `"${name}"`).join(', ')}`,
    ...(request.undo === true ? ['bring the snapshots back if the command fails'] : []),
  ]
  if (request.dryRun === true) {
    const databases = names.map((database) => ({ database, snapshot: null, diff: null, problem: null, restored: null, undo: null }))
    return { status: null, databases, undone: false, plan, dryRun: true }
  }
  // A guard that could not bring back what it took would be none.
  const recipients = await recipientsFor(context, {})
  if (recipients.length > 0) await context.keyring.identities(recipients)
  const taken: Taken[] = []
  for (const database of names) taken.push({ database, snapshot: await take(context, database, request.label, watch) })
  const { signal } = watching(watch)
  signal.throwIfAborted()
  try {
    const status = await request.command(taken.map((each) => each.snapshot))
    signal.throwIfAborted()
    const databases: Guarded[] = []
    for (const each of taken) databases.push(await look(context, each, request.data === true, watch))
    signal.throwIfAborted()
    const answer = { status, databases, undone: false, plan, dryRun: false }
    for (const { database } of taken) await audit(context, 'guard', database, { command: plainly(request.label), status })
    if (status === 0 || !(typeof request.undo === 'boolean' ? request.undo : await request.undo(answer))) return answer
    return { ...answer, databases: await takeBack(context, databases, watch), undone: true }
  } catch (error) {
    throw staying(error, taken, signal)
  }
}

interface Taken {
  readonly database: string
  readonly snapshot: SnapshotView
}

async function namesOf(context: Context, asked: readonly string[]): Promise<readonly string[]> {
  for (const name of asked) await databaseOf(context, name)
  const names = asked.length > 0 ? [...new Set(asked)] : (await list(context, true)).map(({ name }) => name)
  if (names.length > 0) return names
  throw new HayaiError('WRONG_STATE', 'no database is running that could be guarded', { hint: 'Run `hayai start`, or name one.' })
}

async function take(context: Context, database: string, label: string, watch: Watch): Promise<SnapshotView> {
  const request = { database, comment: `before: ${plainly(label)}`, tags: ['guard'], askedBy: 'safety' as const }
  const answer = await snapshot(context, request, watch)
  if (answer.snapshot === null) throw new Error('a snapshot that is no dry run is there')
  return answer.snapshot
}

/** A command may well leave a database stopped or removed: then that is what is told. */
async function look(context: Context, { database, snapshot: before }: Taken, data: boolean, watch: Watch): Promise<Guarded> {
  const back = { database, snapshot: before, restored: null, undo: lineBack(before, database) }
  try {
    return { ...back, diff: await diff(context, { before: before.id, after: database, data }, watch), problem: null }
  } catch (error) {
    if (!(error instanceof HayaiError) || watch.signal?.aborted === true) throw error
    return { ...back, diff: null, problem: messageOf(error) }
  }
}

async function takeBack(context: Context, databases: readonly Guarded[], watch: Watch): Promise<readonly Guarded[]> {
  const done: Guarded[] = []
  for (const each of databases) {
    const restored = await restore(context, { reference: each.snapshot?.id ?? '', to: each.database, stopContainer: true }, watch) // who wants it undone has said so
    done.push({ ...each, restored, undo: restored.undo })
  }
  return done
}

/** As much of a command as is surely no secret: its first plain words. `npm run migrate` is, and a URI with a password is not. */
function plainly(label: string): string {
  const words = label.split(' ')
  const end = words.findIndex((word) => !/^[\w./][\w./:-]*$/.test(word))
  return words.slice(0, Math.min(end === -1 ? words.length : end, 4)).join(' ') || 'a command'
}

function lineBack({ id }: SnapshotView, database: string): string {
  return `hayai restore ${id.slice(0, 8)} --to ${database}`
}

/** Whatever went wrong: the snapshots are there, and how they come back is said. */
function staying(error: unknown, taken: readonly Taken[], signal: AbortSignal): unknown {
  const lines = taken.map(({ database, snapshot: each }) => lineBack(each, database))
  const hint = `The snapshots stay: ${lines.join('; ')}`
  const details = { snapshots: taken.map(({ snapshot: each }) => each.id), undo: lines }
  if (signal.aborted) return new HayaiError('INTERRUPTED', 'interrupted', { hint, details, cause: error })
  if (!(error instanceof HayaiError)) return error
  return new HayaiError(error.code, error.message, {
    hint: [error.hint, hint].filter((part) => part !== undefined).join(' '),
    details: { ...error.details, ...details },
    cause: error,
  })
}
