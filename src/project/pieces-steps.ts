// Which pieces were put into a database, in what order, and which of them were taken back: what undo and redo go along between two
// generations. It is kept by the id of the database, and stays with it when that is removed and comes back.

import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { HayaiError } from '../base/errors.ts'
import { makeFolder, readIfThere, sweepPartials, writeDurably } from '../base/files.ts'
import { Flaw, instant, list, matching, object, oneOf, orNull, syntaxFlaw, text, whole, type Shape } from './shape.ts'

export interface Step {
  readonly id: string
  readonly at: string
  /** The generation that they were put into. */
  readonly generation: string
  /** `begun`: about to be put in; a killed command may have left it so. */
  readonly state: 'begun' | 'done' | 'undone'
  /** When they were taken back. */
  readonly undone: string | null
  /** The id of the snapshot, or the path of a file. */
  readonly reference: string
  readonly engine: string
  readonly noun: string
  readonly db: number | null
  readonly wanted: readonly { readonly name: string; readonly as: string | null }[]
  readonly replace: boolean
  /** The snapshot of what was replaced; null where nothing was. */
  readonly safety: string | null
  readonly pieces: readonly { readonly as: string; readonly replaced: number }[]
}

/** Oldest first. Throws CORRUPT when it is damaged; nothing ever writes over that. */
export async function readSteps(folder: string): Promise<readonly Step[]> {
  const file = join(folder, 'steps.json')
  const content = await readIfThere(file)
  if (content === undefined) return []
  try {
    return shape(JSON.parse(content), '').steps
  } catch (error) {
    const why = error instanceof SyntaxError ? syntaxFlaw(error, content) : error instanceof Flaw ? error.message : undefined
    if (why === undefined) throw error
    throw new HayaiError('CORRUPT', `${file} is damaged: ${why}`, {
      hint: 'Move it aside: what was put in single can then not be undone, and all else can.',
    })
  }
}

/** What `change` gives are the steps from then on; the receipts of others are gone, and what killed commands have left. */
export async function changeSteps(folder: string, change: (steps: readonly Step[]) => readonly Step[]): Promise<void> {
  const after = change(await readSteps(folder))
  await makeFolder(folder)
  await writeDurably(join(folder, 'steps.json'), `${JSON.stringify({ formatVersion: 1, steps: after }, null, 2)}\n`)
  const kept = new Set(after.map((step) => receiptOf(folder, step.id)))
  for (const each of await readdir(folder)) if (each.endsWith(RECEIPT) && !kept.has(join(folder, each))) await rm(join(folder, each))
  await sweepPartials(folder)
}

export function receiptOf(folder: string, id: string): string {
  return join(folder, id + RECEIPT)
}
const RECEIPT = '.receipt'

/** What undo takes back while that generation is live; undefined: there is nothing single to be taken back. */
export function undoable(steps: readonly Step[], generation: string): Step | undefined {
  return steps.findLast((step) => step.generation === generation && step.state !== 'undone')
}

/**
 * What redo puts in again while that generation is live; `next` is when the generation was made that redo would lead to. Nothing
 * that was taken back before that one was made is put in again.
 */
export function redoable(steps: readonly Step[], generation: string, next: string | undefined): Step | undefined {
  const step = steps.find((each) => each.generation === generation && each.state === 'undone')
  return step !== undefined && step.undone !== null && (next === undefined || Date.parse(next) < Date.parse(step.undone)) ? step : undefined
}

/** Whether something was put into that generation after `next` was made: then redo does not lead there any more. */
export function endsLine(steps: readonly Step[], generation: string, next: string): boolean {
  return steps.some((step) => step.generation === generation && step.state !== 'undone' && Date.parse(step.at) > Date.parse(next))
}

const id = matching(/^[0-9a-f-]{36}$/, 'the id of a step')
const shape: Shape<{ readonly formatVersion: 1; readonly steps: readonly Step[] }> = object({
  formatVersion: oneOf(1),
  steps: list(
    object<Step>({
      id,
      at: instant,
      generation: text,
      state: oneOf('begun', 'done', 'undone'),
      undone: orNull(instant),
      reference: text,
      engine: text,
      noun: text,
      db: orNull(whole(0, Number.MAX_SAFE_INTEGER)),
      wanted: list(object<Step['wanted'][number]>({ name: text, as: orNull(text) })),
      replace: (value, where) => {
        if (typeof value === 'boolean') return value
        throw new Flaw(where, 'true or false')
      },
      safety: orNull(text),
      pieces: list(object<Step['pieces'][number]>({ as: text, replaced: whole(0, Number.MAX_SAFE_INTEGER) })),
    }),
  ),
})
