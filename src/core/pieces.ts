// restore --table, --key: pieces of a snapshot, put into the live database beside what is there. The snapshot is restored and counted
// in a place of its own first; from there the engine takes the pieces over. What is replaced is in a snapshot, taken before.

import { HayaiError } from '../base/errors.ts'
import { checkName } from '../base/names.ts'
import { compareVersions } from '../base/versions.ts'
import type { Engine, FoundPiece, Target, Transplant } from '../engines/engine.ts'
import type { Step } from '../project/pieces-steps.ts'
import type { Check, SnapshotView, Watch } from './answers.ts'
import type { PiecesAnswer, PiecesRequest, PieceView } from './moving-answers.ts'
import { audit } from './audit.ts'
import { databaseOf, withDatabase, type Context, type Database } from './context.ts'
import { twinFrom } from './fill.ts'
import { findSource, type Source } from './library.ts'
import { beginStep } from './pieces-steps.ts'
import { probe } from './probe.ts'
import { digestPassed, noteRestored } from './restore.ts'
import { takeSafety, wrongEngine } from './snapshot.ts'
import { inTrial, sweepTrials } from './trial.ts'
import { majorFor, majorOf } from './versions.ts'
import { watching, type Watching } from './watching.ts'

/** `again`: it is put in once more, after it was taken back. */
export async function restorePieces(context: Context, request: PiecesRequest, watch: Watch = {}, again?: Step): Promise<PiecesAnswer> {
  const began = performance.now()
  const view = watching(watch)
  const source = await findSource(context, request)
  const database = await databaseOf(context, checkName(request.to ?? source.view.database))
  const { engine, name } = database
  if (engine.name !== source.engine.name) throw wrongEngine(source.engine.name, name, engine.name)
  const order = orderOf(engine, request)
  await refuseOlder(database, source, view)
  await (await database.site.open()).close() // one that does not answer is told of before anything is made
  await sweepTrials(context)
  const dryRun = request.dryRun === true
  const checks: Check[] = []
  const moved = await inTrial(context, { engine, like: name, version: majorFor(source), image: source.manifest?.image }, async (site) => {
    const { twin } = await twinFrom(site, source, view)
    try {
      checks.push(digestPassed(source))
      if (source.manifest !== null) checks.push({ what: 'census', ok: true, detail: 'every count as in the manifest' })
      const from = await twin.target()
      try {
        return await move({ context, database, source, order, dryRun, view, again }, from)
      } finally {
        await from.close()
      }
    } finally {
      await twin.close()
    }
  })
  const { pieces } = moved
  if (!dryRun) {
    await noteRestored(context, name)
    await audit(context, 'restore', name, { snapshot: source.view.id, file: source.view.path, pieces: pieces.map((piece) => piece.as) })
  }
  const undo = dryRun ? null : `hayai undo ${name}`
  const seconds = (performance.now() - began) / 1000
  const { noun, unit } = engine.pieces
  return { database: name, snapshot: source.view, noun, unit, ...moved, checks, undo, seconds, dryRun }
}

/** Older servers do not understand what newer ones write. */
async function refuseOlder(database: Database, { made }: Source, view: Watching): Promise<void> {
  const { engine, name } = database
  const { recipe } = engine
  if (recipe.shape === 'file' || made === null) return
  const { version } = await probe(database, await majorOf(database), view)
  if (compareVersions(recipe.majorOf(made), recipe.majorOf(version)) <= 0) return
  throw new HayaiError('CONFLICT', `version does not fit: made by ${made}, put into ${version}`, {
    hint: `Bring the database to that version first: hayai upgrade ${name} --version ${recipe.majorOf(made)}`,
  })
}

function orderOf({ title, pieces }: Engine, { noun, pieces: wanted, replace, db }: PiecesRequest): Transplant {
  if (noun !== pieces.noun.one) {
    throw new HayaiError('USAGE', `${title} has no ${noun} to bring back: it has ${pieces.noun.many}`, {
      hint: `Use --${pieces.noun.one}.`,
    })
  }
  if (wanted.length === 0) throw new HayaiError('USAGE', `no ${noun} is named`, { hint: `Name one: --${noun}.` })
  if (!pieces.renames && wanted.some((piece) => piece.as !== undefined)) {
    throw new HayaiError('USAGE', `a ${noun} of ${title} keeps its name`, { hint: 'Leave --as out; --to brings it into another database.' })
  }
  if (!pieces.numbered && db !== undefined) {
    throw new HayaiError('USAGE', `--db does not fit ${title}: it has no numbered dbs`, { hint: 'Leave --db out.' })
  }
  return { wanted: wanted.map(({ name, as }) => ({ name, as })), replace: replace === true, db }
}

interface Moving {
  readonly context: Context
  readonly database: Database
  readonly source: Source
  readonly order: Transplant
  readonly dryRun: boolean
  readonly view: Watching
  readonly again: Step | undefined
}

interface Moved {
  readonly pieces: readonly PieceView[]
  readonly notes: readonly string[]
  readonly safety: SnapshotView | null
}

async function move(moving: Moving, from: Target): Promise<Moved> {
  const { context, database, source, order, dryRun, view, again } = moving
  const { engine, name } = database
  return withDatabase(
    context,
    database,
    { purpose: `a restore of ${engine.pieces.noun.many} into "${name}"`, signal: view.signal },
    async () => {
      const to = await database.site.open()
      try {
        view.stage('comparing')
        const found = await engine.pieces.find(from, to, order, view.signal)
        refuseTwice(engine, found)
        refuseTaken(engine, found, order)
        const replaces = found.some(({ there }) => there > 0)
        if (dryRun) return { pieces: found.map((piece) => viewOf(piece, piece.count)), notes: [], safety: null }
        const comment = `before ${engine.pieces.noun.many} of ${source.view.id.slice(0, 8) || source.view.path} were put in`
        const safety = replaces ? await takeSafety(context, database, comment, view) : null
        view.stage('putting in')
        view.signal.throwIfAborted()
        const described = { reference: source.view.id || source.view.path, order, found, safety: safety?.id ?? null }
        const step = await beginStep(context, database, described, again)
        const { counts, notes } = await step.through((receipt) => engine.pieces.transplant(from, to, order, receipt, view.signal))
        return { pieces: found.map((piece, at) => viewOf(piece, counts[at] ?? piece.count)), notes, safety }
      } finally {
        await to.close()
      }
    },
  )
}

function viewOf({ name, as, there }: FoundPiece, count: number): PieceView {
  return { name, as, count, replaced: there }
}

function refuseTwice({ pieces: { noun } }: Engine, found: readonly FoundPiece[]): void {
  const twice = found.find((piece, at) => found.findIndex(({ name }) => name === piece.name) !== at)
  if (twice === undefined) return
  throw new HayaiError('USAGE', `the ${noun.one} ${twice.name} is named twice`, {
    hint: 'Name it once; another name needs another restore.',
  })
}

function refuseTaken({ pieces: { noun, renames } }: Engine, found: readonly FoundPiece[], { replace }: Transplant): void {
  const taken = found.filter(({ there }) => there > 0)
  const [first] = taken
  if (first === undefined || replace) return
  const total = taken.reduce((sum, { there }) => sum + there, 0)
  const what = total === 1 ? `${noun.one} ${first.as} is` : `${total} ${noun.many} of ${taken.map(({ as }) => as).join(', ')} are`
  throw new HayaiError(
    'CONFLICT',
    `the ${what} there already, and nothing is put over ${total === 1 ? 'it' : 'them'} without being asked`,
    {
      hint: renames
        ? `Put it beside: --as ${first.as}_old; or over what is there, which is snapshot before: --replace.`
        : 'Put them over what is there, which is snapshot before: --replace; or into another database: --to NAME.',
      details: { taken: taken.map(({ as, there }) => ({ name: as, there })) },
    },
  )
}
