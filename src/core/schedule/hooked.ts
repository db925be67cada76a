// A run between its hooks: `before` decides whether it begins, `after` is part of it, and `on_failure` comes when something went wrong.

import type { HayaiError } from '../../base/errors.ts'
import type { Plan } from '../../project/plans.ts'
import type { Watch } from '../answers.ts'
import type { Context } from '../context.ts'
import type { HookRecord, RunRecord } from '../schedule-answers.ts'
import { watching } from '../watching.ts'
import { runHooks, type Facts, type HookName } from './hooks.ts'

/** What the stages of a run have come to. */
export interface Staged extends Pick<RunRecord, 'backup' | 'databases' | 'verified' | 'copies' | 'deleted' | 'error'> {
  /** What was taken, where it lies; absolute. */
  readonly paths: readonly string[]
  readonly thrown: unknown
}

export const NOTHING: Staged = {
  backup: null,
  databases: [],
  verified: null,
  copies: [],
  deleted: [],
  error: null,
  paths: [],
  thrown: undefined,
}

export async function betweenHooks(
  context: Context,
  { plan, run, watch }: { readonly plan: Plan; readonly run: string; readonly watch: Watch },
  stages: () => Promise<Staged>,
): Promise<Staged & { readonly hooks: readonly HookRecord[] }> {
  const view = watching(watch)
  const hooks: HookRecord[] = []
  let staged = NOTHING
  const call = async (hook: HookName): Promise<void> => {
    const { ran, error } = await runHooks(context, plan, hook, factsOf(run, staged), view)
    hooks.push(...ran)
    if (error !== undefined) staged = { ...staged, ...(staged.error === null && flawed(error)) }
  }
  await call('before')
  if (staged.error === null) {
    staged = await stages()
    if (staged.error === null) await call('after')
  }
  if (staged.error !== null && !view.signal.aborted) await call('on_failure')
  return { ...staged, hooks }
}

function flawed(error: HayaiError): Pick<Staged, 'error' | 'thrown'> {
  return { error: { code: error.code, message: error.message }, thrown: error }
}

function factsOf(run: string, { databases, backup, paths, error }: Staged): Facts {
  const taken = databases.filter((part) => part.error === null)
  return {
    RUN: run,
    OUTCOME: error === null ? 'done' : 'failed',
    DATABASES: taken.map(({ database }) => database).join(' '),
    SNAPSHOTS: taken.flatMap(({ snapshot }) => snapshot ?? []).join(' '),
    BACKUP: backup ?? '',
    PATHS: paths.join('\n'),
    BYTES: String(taken.reduce((sum, { bytes }) => sum + bytes, 0)),
    ERROR_CODE: error?.code ?? '',
    ERROR: error?.message ?? '',
  }
}
