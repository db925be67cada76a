// upgrade: a twin of the newer version is filled by a logical dump that the newer version's own programs make of the live server,
// counted, and swapped in. The generation before keeps its version, and undo starts it with the programs of that version again.

import { HayaiError } from '../base/errors.ts'
import { compareVersions } from '../base/versions.ts'
import type { ServerRecipe } from '../engines/engine.ts'
import type { Watch } from './answers.ts'
import type { UpgradeAnswer, UpgradeRequest } from './moving-answers.ts'
import { audit } from './audit.ts'
import { assemble, databaseOf, withDatabase, type Context, type Database } from './context.ts'
import { sweepGrace } from './grace.ts'
import { streamedTwin } from './live.ts'
import { probe } from './probe.ts'
import { noteRestored } from './restore.ts'
import { sweepTrials } from './trial.ts'
import { followVersion } from './versions.ts'
import { watching, type Watching } from './watching.ts'

export async function upgrade(context: Context, request: UpgradeRequest, watch: Watch = {}): Promise<UpgradeAnswer> {
  const began = performance.now()
  const view = watching(watch)
  const { version } = request
  const database = await databaseOf(context, request.database)
  const { name } = database
  const recipe = serverOf(database)
  refuseOthers(database)
  const from = await liveVersion(database)
  const seconds = (): number => (performance.now() - began) / 1000
  const base = {
    database: name,
    engine: database.engine.name,
    from,
    census: null,
    notes: [],
    generation: null,
    undo: null,
    dryRun: request.dryRun === true,
  }
  const difference = compareVersions(recipe.majorOf(version), recipe.majorOf(from))
  if (difference < 0) throw downgrade(database, from, version)
  if (difference === 0) return { ...base, to: from, changed: false, plan: [], seconds: seconds() }
  const to = await versionOf(database, recipe, version, view)
  await (await database.site.open()).close() // one that does not answer is told of before anything is made
  const plan = [
    `dump what "${name}" holds at one instant, by the programs of ${database.engine.title} ${to}`,
    `fill an empty twin of ${database.engine.title} ${to} with it, and count it`,
    `make the twin the live data of "${name}"; the data of ${from} is kept for \`hayai undo ${name}\`, with what is written to it until then`,
  ]
  if (request.dryRun === true) return { ...base, to, changed: true, plan, seconds: seconds() }
  await sweepTrials(context)
  const options = { purpose: `an upgrade of "${name}"`, signal: view.signal }
  const done = await withDatabase(context, database, options, () => fillAndSwap(context, database, { from, version }, view))
  await noteRestored(context, name)
  await audit(context, 'upgrade', name, { from, to, generation: done.generation.name })
  await sweepGrace(context)
  return { ...base, ...done, to, changed: true, plan, undo: `hayai undo ${name}`, seconds: seconds() }
}

/** The exact one that is to be had; of an image that `.hayaidb` names it is that image's. */
async function versionOf(database: Database, recipe: ServerRecipe, version: string, view: Watching): Promise<string> {
  const { engine, placement } = database
  const { image } = placement.container
  const found = (await probe(database, version, view)).version
  if (image === undefined || recipe.majorOf(found) === recipe.majorOf(version)) return found
  throw new HayaiError('CONFLICT', `the image ${image} is of ${engine.title} ${found}, and ${version} is wanted`, {
    hint: 'Change `image:` in .hayaidb first; what runs goes on with its own until then.',
  })
}

function serverOf({ name, engine: { recipe, title } }: Database): ServerRecipe {
  if (recipe.shape === 'server') return recipe
  throw new HayaiError('USAGE', `"${name}" is a file, and no server made it that could be upgraded`, {
    hint: `The ${title} that is in Hayai reads it as it is.`,
  })
}

function refuseOthers({ name, entry: { container } }: Database): void {
  if (container === undefined) return
  throw new HayaiError('WRONG_STATE', `"${name}" is in the container ${container}, whose image is its maker's to change`, {
    hint: `Make a newer one with Hayai, and bring the data there: hayai restore ${name} --latest --to NAME.`,
  })
}

async function liveVersion({ name, site }: Database): Promise<string> {
  const live = (await site.generations()).find((generation) => generation.live)
  if (typeof live?.version === 'string') return live.version
  throw new HayaiError('WRONG_STATE', `"${name}" has no data yet`, { hint: 'Run `hayai init` to create it.' })
}

function downgrade({ name, engine }: Database, from: string, version: string): HayaiError {
  return new HayaiError('CONFLICT', `the data of "${name}" is of ${engine.title} ${from}, and ${version} is older`, {
    hint: `No server is sure to read the dump of a newer one. \`hayai undo ${name}\` goes back where an upgrade was the last step.`,
  })
}

interface Step {
  readonly from: string
  readonly version: string
}

async function fillAndSwap(context: Context, database: Database, { from, version }: Step, view: Watching) {
  const { engine, entry, name } = database
  const format = engine.formats.find(({ kind }) => kind === 'logical')
  if (format === undefined) throw new Error(`${engine.name} is a server without a logical format`)
  const newer = await assemble(context, name, { ...entry, version })
  view.stage('making a twin')
  const { twin, facts, notes } = await streamedTwin({ from: database, into: newer.site, format, programsOf: version, watch: view })
  try {
    view.stage('switching')
    view.signal.throwIfAborted() // from here on it is finished, whoever interrupts
    const generation = await twin.swap(`upgraded from ${from}`)
    return { generation, census: facts.census, notes: [...notes, ...(await followVersion(context, database, version))] }
  } finally {
    await twin.close()
  }
}
