// One run of a plan: takes what it says, checks it, brings it to every destination, lets go what is old, and writes down how it went.
// Whatever happens, what was taken is whole or not there, and the record says which time of the schedule was served.

import { randomBytes } from 'node:crypto'
import { HayaiError, isCode, systemCode } from '../../base/errors.ts'
import { withLock } from '../../base/locks.ts'
import { makeOwnFolder } from '../../project/catalog.ts'
import type { Plan } from '../../project/plans.ts'
import type { Watch } from '../answers.ts'
import { acting, audit } from '../audit.ts'
import type { Context } from '../context.ts'
import { renewMetrics } from '../metrics.ts'
import { tellRun, tellStart } from '../news/tell.ts'
import type { Delivery } from '../news-answers.ts'
import type { Outcome, RunAnswer, RunFailure, RunRecord, RunRequest } from '../schedule-answers.ts'
import { interrupted, watching } from '../watching.ts'
import { backupRack } from './backup-rack.ts'
import { checkTaken, triesRestore } from './checking.ts'
import { dueSlot, historyOf, mustWatch, nextSlot, watchable } from './due.ts'
import { copiedTo, copyAll, tidy, verdictsOf } from './keeping.ts'
import { planCalled, recordOf } from './plans.ts'
import { betweenHooks, NOTHING, type Staged } from './hooked.ts'
import { foldersOf, type Held, type Rack } from './rack.ts'
import { rotateRuns } from './rotating.ts'
import { noteRun, type Entry } from './runs.ts'
import { snapshotRack } from './snapshot-rack.ts'
import { failureOf, namesOf, take } from './taking.ts'

/** Throws what the run failed of; `details.record` has the whole of it then. LOCKED when the plan is at work already. */
export async function runPlan(context: Context, request: RunRequest, watch: Watch = {}): Promise<RunAnswer> {
  const started = performance.now()
  const plan = await planCalled(context, request.plan)
  const dryRun = request.dryRun === true
  if (dryRun) return { ...(await preview(context, plan)), told: [], seconds: 0, dryRun }
  const due = request.due === true
  const ended: Performed = await perform(context, plan, { due, now: () => new Date() }, watch).catch((error: unknown) => {
    if (due && isCode(error, 'LOCKED')) return { record: null, thrown: undefined } // somebody serves it at this moment
    throw error
  })
  const told = await afterwards(context, plan, ended)
  if (ended.thrown !== undefined) throw failed(plan, ended, told)
  const next = nextSlot(plan, historyOf(plan.name, await recordOf(context)), new Date())?.toISOString() ?? null
  return {
    plan: plan.name,
    record: ended.record,
    told,
    steps: await stepsOf(context, plan),
    next,
    seconds: (performance.now() - started) / 1000,
    dryRun,
  }
}

export interface Performed {
  /** null when nothing was due. */
  readonly record: RunRecord | null
  /** What the run failed of. */
  readonly thrown: unknown
  /** Its beginning is told beside it. */
  readonly begun?: Promise<void>
}

/**
 * When a run is over and nothing is held any more: the metrics are written, and it is told how it went. Nothing that goes wrong here makes
 * the run another one: what could not be told is in the answer and found by `health`.
 */
export async function afterwards(context: Context, plan: Plan, { record, begun }: Performed): Promise<readonly Delivery[]> {
  if (record === null) return []
  await begun
  const [told] = await Promise.all([orElse(tellRun(context, plan, record), []), orElse(renewMetrics(context), undefined)])
  return told
}

async function orElse<T>(work: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof HayaiError || systemCode(error) !== undefined) return otherwise
    throw error
  }
}

/** How long a plan waits for another plan to end. */
const TURN = 24 * 3600 * 1000

/** What is thrown before anything began is thrown; from then on it is in what is given back. */
export async function perform(
  context: Context,
  plan: Plan,
  { due, now }: { readonly due: boolean; readonly now: () => Date },
  watch: Watch,
): Promise<Performed> {
  await makeOwnFolder(context.root)
  const purpose = `a run of the plan "${plan.name}"`
  const signal = watch.signal ?? new AbortController().signal
  return withLock(context.paths.planLock(plan.name), { purpose, patience: 0 }, () =>
    withLock(context.paths.scheduleLock, { purpose, patience: TURN, signal }, async () => {
      await rotateRuns(context.paths.runs, now())
      const entries = await recordOf(context)
      const history = historyOf(plan.name, entries)
      if (due && mustWatch(plan, history, now())) {
        await noteRun(context.paths.runs, { kind: 'watched', plan: plan.name, schedule: watchable(plan), at: now().toISOString() })
      }
      const slot = dueSlot(plan, history, now()) ?? null
      if (due && slot === null) return { record: null, thrown: undefined }
      const act = { verb: 'schedule run', databases: plan.databases, of: plan.name, ...(due && { via: 'schedule' as const }) }
      return acting(context, act, () => attempt(context, plan, { slot, entries, now }, watch), failureIn)
    }),
  )
}

function failureIn({ record }: Performed): RunFailure | null {
  return record?.error ?? null
}

interface Run {
  readonly slot: Date | null
  readonly entries: readonly Entry[]
  readonly now: () => Date
}

async function attempt(context: Context, plan: Plan, { slot, entries, now }: Run, watch: Watch): Promise<Performed> {
  const start = {
    run: randomBytes(8).toString('hex'),
    plan: plan.name,
    slot: slot?.toISOString() ?? null,
  }
  const began = now()
  await noteRun(context.paths.runs, { kind: 'began', ...start, at: began.toISOString(), pid: process.pid })
  const begun = orElse(tellStart(context, plan), undefined)
  begun.catch(() => {}) // it is awaited when the run is over
  const work = { context, plan, watch, entries, restore: triesRestore(plan, entries, began) }
  const result = await betweenHooks(context, { plan, run: start.run, watch }, () =>
    plan.take === 'backup' ? stages(work, backupRack(context, plan)) : stages(work, snapshotRack(context, plan)),
  )
  const { thrown, paths: _, ...found } = result
  const outcome: Outcome = found.error === null ? 'done' : watch.signal?.aborted === true ? 'interrupted' : 'failed'
  const record: RunRecord = {
    ...start,
    began: began.toISOString(),
    ended: now().toISOString(),
    outcome,
    take: plan.take,
    ...found,
    bytes: found.databases.reduce((sum, { bytes }) => sum + bytes, 0),
  }
  await noteRun(context.paths.runs, { kind: 'ended', ...record })
  for (const { database, snapshot, error } of record.databases) {
    await audit(context, 'schedule run', database, { plan: plan.name, id: snapshot, outcome, ...(error !== null && { code: error.code }) })
  }
  return { record, thrown, begun }
}

interface Work {
  readonly context: Context
  readonly plan: Plan
  readonly watch: Watch
  readonly entries: readonly Entry[]
  readonly restore: boolean
}

/** One after the other; what fails is kept, and ends it where what follows could do harm. */
async function stages<T extends Held>({ context, plan, watch, entries, restore }: Work, rack: Rack<T>): Promise<Staged> {
  const view = watching(watch)
  let found = NOTHING
  const wrong = (error: RunFailure | null | undefined): void => {
    found = { ...found, error: found.error ?? error ?? null }
  }
  const known = (): ReadonlyMap<string, ReadonlySet<string>> => {
    const all = new Map(copiedTo(plan.name, entries))
    for (const { folder, copied } of found.copies) all.set(folder, new Set([...(all.get(folder) ?? []), ...copied]))
    return all
  }
  try {
    const taken = await take(context, plan, watch)
    found = { ...found, backup: taken.backup, databases: taken.parts }
    const lost = taken.parts.find(({ error }) => error !== null)
    if (lost?.error) wrong({ code: lost.error.code, message: named(lost.database, lost.error.message) })
    const items = (await rack.list(rack.folder)).filter(({ id }) => taken.ids.includes(id))
    found = { ...found, paths: items.map(({ path }) => path) }
    found = { ...found, verified: await checkTaken(context, plan, { rack, items, restore }, watch) }
    found = { ...found, copies: await copyAll(context, plan, rack, known(), view) }
    const unreached = found.copies.find(({ error }) => error !== null)
    wrong(unreached?.error)
    if (items.length > 0) found = { ...found, deleted: await tidy(context, plan, rack, known(), view) }
  } catch (error) {
    const told = interrupted(watch, error, found.paths.length === 0 ? undefined : 'what had been taken is there, and whole')
    wrong(failureOf(told))
    return { ...found, thrown: told }
  }
  return { ...found, thrown: found.error === null ? undefined : new HayaiError(codeOf(found.error), found.error.message) }
}

function named(database: string, message: string): string {
  return message.includes(`"${database}"`) ? message : `"${database}": ${message}`
}

function codeOf({ code }: RunFailure): ConstructorParameters<typeof HayaiError>[0] {
  return code as ConstructorParameters<typeof HayaiError>[0] // failureOf() took it from one
}

function failed({ name }: Plan, { record, thrown }: Performed, told: readonly Delivery[]): unknown {
  if (!(thrown instanceof HayaiError)) return thrown
  const kept = record?.databases.filter(({ error }) => error === null).length ?? 0
  return new HayaiError(thrown.code, `the plan "${name}" failed: ${thrown.message}`, {
    hint:
      thrown.hint ??
      (kept === 0
        ? `When that is put right: hayai schedule run ${name}`
        : `What else it took is kept. When that is put right: hayai schedule run ${name}`),
    details: { ...thrown.details, record, told },
    cause: thrown,
  })
}

async function stepsOf(context: Context, plan: Plan): Promise<readonly string[]> {
  const names = await namesOf(context, plan)
  const { take: what, verify, retention, compression = 'none', encryption } = plan
  const how = `${compression === 'none' ? '' : `, compressed with ${compression}`}${encryption ? ', encrypted' : ''}`
  return [
    ...plan.hooks.before.map((line) => `run \`${line}\`, and stop if it fails`),
    what === 'backup' ? `take a backup of ${names.join(', ')}${how}` : `take a snapshot of ${names.join(', ')}, each by itself${how}`,
    ...(verify === 'never'
      ? []
      : [
          typeof verify === 'string'
            ? 'read it again and compare its digest'
            : `try a restore (${verify.restore}), else compare its digest`,
        ]),
    ...foldersOf(context, plan).map((folder) => `copy to ${folder} what is not there yet`),
    ...(retention === undefined ? [] : ['let go what no rule keeps']),
    ...plan.hooks.after.map((line) => `run \`${line}\``),
  ]
}

async function preview(context: Context, plan: Plan) {
  const entries = await recordOf(context)
  const known = copiedTo(plan.name, entries)
  const verdicts = await (plan.take === 'backup'
    ? verdictsOf(context, plan, backupRack(context, plan), known)
    : verdictsOf(context, plan, snapshotRack(context, plan), known))
  const going = verdicts.filter(({ keep }) => !keep).map(({ item, reasons }) => `delete ${item.path}: ${reasons.join('; ')}`)
  const next = nextSlot(plan, historyOf(plan.name, entries), new Date())?.toISOString() ?? null
  return { plan: plan.name, record: null, steps: [...(await stepsOf(context, plan)), ...going], next }
}
