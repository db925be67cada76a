// diff: what is different between two moments of a database, each a snapshot or the database itself as it is now. Of a snapshot
// the manifest tells; one that does not tell enough is restored aside and asked. The live database is only read, and only when
// it is one of the two.

import { HayaiError } from '../base/errors.ts'
import type { Engine } from '../engines/engine.ts'
import { readCatalog } from '../project/catalog.ts'
import { differences, type Moment } from '../snapshots/differences.ts'
import { unpackOutline } from '../snapshots/outline.ts'
import type { Watch } from './answers.ts'
import type { DiffAnswer, DiffRequest, DiffSide } from './comparing.ts'
import { databaseOf, withDatabase, type Context } from './context.ts'
import { twinFrom } from './fill.ts'
import { findSource, type Source } from './library.ts'
import { inTrial, sweepTrials } from './trial.ts'
import { majorFor } from './versions.ts'
import { watching, type Watching } from './watching.ts'

export async function diff(context: Context, request: DiffRequest, watch: Watch = {}): Promise<DiffAnswer> {
  const began = performance.now()
  const view = watching(watch)
  const [before, after] = await sidesOf(context, request)
  if (before.engine.name !== after.engine.name) {
    throw new HayaiError('CONFLICT', `${before.label} is ${before.engine.title}, and ${after.label} is ${after.engine.title}`, {
      hint: 'Compare two of the same engine.',
    })
  }
  await sweepTrials(context)
  const rows = request.data === true
  const was = await before.look(rows, view)
  const is = await after.look(rows, view)
  const found = differences(was.moment, is.moment)
  return {
    before: was.side,
    after: is.side,
    engine: before.engine.name,
    counted: before.engine.counts,
    rowsCompared: rows,
    different: found.tables.length > 0 || found.objects.length > 0 || found.counts.length > 0,
    ...found,
    seconds: (performance.now() - began) / 1000,
  }
}

interface Side {
  readonly label: string
  readonly engine: Engine
  look(rows: boolean, view: Watching): Promise<{ readonly side: DiffSide; readonly moment: Moment }>
}

/** `mydb` alone: its newest snapshot and what it holds now. A snapshot alone: it, and what its database holds now. */
async function sidesOf(context: Context, { before, after, engine }: DiffRequest): Promise<readonly [Side, Side]> {
  const isDatabase = await databasesNamed(context)
  const sideOf = async (reference: string): Promise<Side> => {
    if (isDatabase(reference)) return liveSide(context, reference)
    return snapshotSide(context, await findSource(context, { reference, ...(engine !== undefined && { engine }) }))
  }
  if (after !== undefined) return [await sideOf(before), await sideOf(after)]
  if (isDatabase(before)) return [await sideOf(`${before}@latest`), await liveSide(context, before)]
  const snapshot = await sideOf(before)
  return [snapshot, await liveSide(context, snapshot.label)]
}

async function databasesNamed(context: Context): Promise<(name: string) => boolean> {
  const { databases } = await readCatalog(context.root)
  return (name) => Object.hasOwn(databases, name)
}

async function liveSide(context: Context, name: string): Promise<Side> {
  const database = await databaseOf(context, name)
  return {
    label: name,
    engine: database.engine,
    look: (rows, view) =>
      withDatabase(context, database, { purpose: `a comparison of "${name}"`, signal: view.signal }, async () => {
        view.stage(rows ? `comparing rows of ${name}` : `asking ${name}`)
        const target = await database.site.open()
        try {
          const instant = new Date().toISOString()
          const survey = await database.engine.survey(target, rows ? 'rows' : 'outline', view.signal)
          const side = { database: name, instant, snapshot: null, dataBytes: survey.outline.bytes ?? null, restoredAside: false }
          return { side, moment: survey }
        } finally {
          await target.close()
        }
      }),
  }
}

function snapshotSide(context: Context, source: Source): Side {
  return {
    label: source.view.database,
    engine: source.engine,
    async look(rows, view) {
      const kept = source.manifest?.outline
      // What was counted while others wrote is not what is in the file.
      const known = !rows && source.manifest !== null && kept !== undefined && source.manifest.census.moving !== true
      const moment = known
        ? { census: source.manifest.census, outline: await unpackOutline(kept), digests: null }
        : await restoredAside(context, source, rows, view)
      const side = {
        database: source.view.database,
        instant: source.view.created,
        snapshot: source.view,
        dataBytes: moment.outline.bytes ?? null,
        restoredAside: !known,
      }
      return { side, moment }
    },
  }
}

async function restoredAside(context: Context, source: Source, rows: boolean, view: Watching): Promise<Moment> {
  return inTrial(
    context,
    { engine: source.engine, like: source.view.database, version: majorFor(source), image: source.manifest?.image },
    async (site) => {
      const { twin } = await twinFrom(site, source, view)
      try {
        view.stage(rows ? 'comparing rows' : 'asking')
        const target = await twin.target()
        try {
          return await source.engine.survey(target, rows ? 'rows' : 'outline', view.signal)
        } finally {
          await target.close()
        }
      } finally {
        await twin.close()
      }
    },
  )
}
