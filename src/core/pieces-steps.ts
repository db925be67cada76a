// Each partial restore is a step that undo and redo go back and forward, between the generations: it is written down before it happens.

import { randomUUID } from 'node:crypto'
import type { FoundPiece, Transplant } from '../engines/engine.ts'
import { changeSteps, endsLine, readSteps, receiptOf, redoable, undoable, type Step } from '../project/pieces-steps.ts'
import { HayaiError } from '../base/errors.ts'
import { makeFolder } from '../base/files.ts'
import type { Context, Database } from './context.ts'
import { GRACE_DAYS } from './grace.ts'

interface Described {
  /** Where they come from. */
  readonly reference: string
  readonly order: Transplant
  readonly found: readonly FoundPiece[]
  readonly safety: string | null
}

interface Begun {
  /** Does it, with the file for its receipt; when that throws and has changed nothing, there was no step. */
  through<T>(work: (receipt: string) => Promise<T>): Promise<T>
}

/** With the database's lock held. `again`: the step that was taken back, and is done once more. */
export async function beginStep(context: Context, database: Database, described: Described, again: Step | undefined): Promise<Begun> {
  const { engine } = database
  const folder = context.paths.piecesFolder(database.entry.id)
  const { reference, order, found, safety } = described
  const id = randomUUID()
  const step: Step = {
    id,
    at: again?.at ?? new Date().toISOString(),
    generation: (await liveOf(database))?.name ?? '',
    state: 'begun',
    undone: null,
    reference,
    engine: engine.name,
    noun: engine.pieces.noun.one,
    db: order.db ?? null,
    wanted: order.wanted.map(({ name, as }) => ({ name, as: as ?? null })),
    replace: order.replace,
    safety,
    pieces: found.map(({ as, there }) => ({ as, replaced: there })),
  }
  const before = await readSteps(folder)
  await makeFolder(folder)
  await changeSteps(folder, (steps) =>
    again === undefined ? [...kept(steps, step.generation), step] : steps.map((each) => (each.id === again.id ? step : each)),
  )
  return {
    async through(work) {
      try {
        const result = await work(receiptOf(folder, id))
        await changeSteps(folder, (steps) => steps.map((each) => (each.id === id ? { ...each, state: 'done' } : each)))
        return result
      } catch (error) {
        const begun = error instanceof HayaiError && error.details?.['begun'] === true
        if (!begun && (engine.pieces.whole || !order.replace)) await changeSteps(folder, () => before)
        throw error
      }
    },
  }
}

/** A new step ends what could have been done again; what is older than the grace period is forgotten. */
function kept(steps: readonly Step[], generation: string): readonly Step[] {
  const limit = Date.now() - GRACE_DAYS * 24 * 3600 * 1000
  return steps.filter((step) => Date.parse(step.at) > limit && !(step.generation === generation && step.state === 'undone'))
}

export async function piecesToUndo(context: Context, database: Database): Promise<Step | undefined> {
  const steps = await readSteps(context.paths.piecesFolder(database.entry.id))
  if (steps.length === 0) return undefined
  return undoable(steps, (await liveOf(database))?.name ?? '')
}

/** `nothing`: there is a generation after this one, and something else was done since. */
export async function piecesToRedo(context: Context, database: Database): Promise<Step | 'nothing' | undefined> {
  const steps = await readSteps(context.paths.piecesFolder(database.entry.id))
  if (steps.length === 0) return undefined
  const live = (await liveOf(database))?.name ?? ''
  const next = await database.site.neighbour(1)
  const step = redoable(steps, live, next?.made)
  if (step !== undefined) return step
  return next !== undefined && endsLine(steps, live, next.made) ? 'nothing' : undefined
}

async function liveOf({ site }: Database) {
  return (await site.generations()).find(({ live }) => live)
}
