// undo and redo of a partial restore: only what it put in goes, and only what it replaced comes back. What has been written to these
// pieces since is not lost unasked.

import { HayaiError, isCode } from '../base/errors.ts'
import type { Engine, Target } from '../engines/engine.ts'
import { changeSteps, receiptOf, type Step } from '../project/pieces-steps.ts'
import type { SnapshotView, UndoAnswer, UndonePieces, UndoOptions, Watch } from './answers.ts'
import { audit } from './audit.ts'
import { withDatabase, type Context, type Database } from './context.ts'
import { twinFrom } from './fill.ts'
import { findSource, whileRead, type Source } from './library.ts'
import { restorePieces } from './pieces.ts'
import { piecesToUndo } from './pieces-steps.ts'
import { takeSafety } from './snapshot.ts'
import { inTrial, sweepTrials } from './trial.ts'
import { majorFor } from './versions.ts'
import { watching, type Watching } from './watching.ts'

export async function undoPieces(
  context: Context,
  database: Database,
  step: Step,
  { dryRun = false, force = false }: UndoOptions,
  watch: Watch = {},
): Promise<UndoAnswer> {
  const view = watching(watch)
  const undoing = { context, database, step, force, view }
  const answer = answerOf(database, step, `hayai redo ${database.name}`, dryRun)
  const source = step.safety === null ? undefined : await safetyOf(context, step.safety, database)
  if (dryRun) return answer
  await (await database.site.open()).close() // one that does not answer is told of before anything is made
  await sweepTrials(context)
  const { notes, safety } = await (source === undefined
    ? takeBack(undoing, null)
    : whileRead(context, source, `undoing in "${database.name}"`, () => besides(undoing, source)))
  await audit(context, 'undo', database.name, { pieces: step.pieces.map(({ as }) => as), snapshot: step.safety, of: step.reference })
  return { ...answer, ...(answer.pieces === undefined ? {} : { pieces: { ...answer.pieces, safety } }), notes }
}

export async function redoPieces(context: Context, database: Database, step: Step, dryRun: boolean, watch: Watch): Promise<UndoAnswer> {
  const { name } = database
  const answer = answerOf(database, step, `hayai undo ${name}`, dryRun)
  const pieces = step.wanted.map(({ name: piece, as }) => (as === null ? { name: piece } : { name: piece, as }))
  const request = { reference: step.reference, engine: step.engine, to: name, noun: step.noun, pieces, replace: step.replace, dryRun }
  const { notes, safety } = await restorePieces(context, step.db === null ? request : { ...request, db: step.db }, watch, step)
  return { ...answer, ...(answer.pieces === undefined ? {} : { pieces: { ...answer.pieces, safety } }), notes }
}

function answerOf({ name, engine }: Database, { pieces }: Step, again: string, dryRun: boolean): UndoAnswer {
  const named = (there: boolean): readonly string[] => [
    ...new Set(pieces.filter(({ replaced }) => replaced > 0 === there).map(({ as }) => as)),
  ]
  const undone: UndonePieces = { noun: engine.pieces.noun, added: named(false), replaced: named(true), safety: null }
  return {
    database: name,
    what: 'pieces',
    container: null,
    from: null,
    to: [...undone.added, ...undone.replaced].join(', '),
    pieces: undone,
    again,
    notes: [],
    dryRun,
  }
}

async function safetyOf(context: Context, id: string, { name, engine }: Database): Promise<Source> {
  try {
    return await findSource(context, { reference: id })
  } catch (error) {
    if (!isCode(error, 'NOT_FOUND')) throw error
    throw new HayaiError(
      'WRONG_STATE',
      `the snapshot ${id.slice(0, 8)} is gone, which holds the ${engine.pieces.noun.many} of "${name}" that were replaced`,
      {
        hint: 'Deleted snapshots come back for some days: `hayai snapshot list --deleted`, `hayai snapshot undelete`.',
        cause: error,
      },
    )
  }
}

interface Undoing {
  readonly context: Context
  readonly database: Database
  readonly step: Step
  readonly force: boolean
  readonly view: Watching
}

interface Undone {
  readonly notes: readonly string[]
  readonly safety: SnapshotView | null
}

/** In a place of its own, the database as it was right before. */
function besides(undoing: Undoing, source: Source): Promise<Undone> {
  const { context, database, view } = undoing
  return inTrial(
    context,
    { engine: database.engine, like: database.name, version: majorFor(source), image: source.manifest?.image },
    async (site) => {
      const { twin } = await twinFrom(site, source, view)
      try {
        const from = await twin.target()
        try {
          return await takeBack(undoing, from)
        } finally {
          await from.close()
        }
      } finally {
        await twin.close()
      }
    },
  )
}

async function takeBack({ context, database, step, force, view }: Undoing, from: Target | null): Promise<Undone> {
  const { engine, name } = database
  const folder = context.paths.piecesFolder(database.entry.id)
  return withDatabase(context, database, { purpose: `undo of "${name}"`, signal: view.signal }, async () => {
    if ((await piecesToUndo(context, database))?.id !== step.id) {
      throw new HayaiError('CONFLICT', `something else was done to "${name}" in the meantime`, {
        hint: 'Nothing was changed. Undo once more.',
      })
    }
    const to = await database.site.open()
    try {
      const safety = force ? await takeSafety(context, database, `before ${engine.pieces.noun.many} were taken back`, view) : null
      view.stage('taking back')
      const named = (there: boolean): readonly string[] => step.pieces.filter(({ replaced }) => replaced > 0 === there).map(({ as }) => as)
      const back = { receipt: receiptOf(folder, step.id), added: named(false), replaced: named(true), anyway: force }
      const { notes } = await engine.pieces.takeBack(from, to, back, view.signal).catch((error: unknown) => {
        throw withWay(error, engine, step, name)
      })
      const undone = new Date().toISOString()
      await changeSteps(folder, (steps) => steps.map((each) => (each.id === step.id ? { ...each, state: 'undone', undone } : each)))
      return { notes, safety }
    } finally {
      await to.close()
    }
  })
}

/** What else can be done, where what was put in has been written to since. */
function withWay(error: unknown, { pieces: { noun } }: Engine, step: Step, name: string): unknown {
  if (!(error instanceof HayaiError) || error.code !== 'CONFLICT' || error.details?.['begun'] === true) return error
  const line = step.safety === null ? '' : ` The ${noun.many} as before are in the snapshot ${step.safety.slice(0, 8)}.`
  const killed = step.state === 'begun' ? ' The restore was killed: what is there now may be what was there before, and written to.' : ''
  return new HayaiError('CONFLICT', error.message, {
    hint: `Nothing was changed.${killed}${line} To take them back all the same, after a snapshot of all as it is now: hayai undo ${name} --force`,
    cause: error,
  })
}
