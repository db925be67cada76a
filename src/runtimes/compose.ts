// Server databases in containers of Docker, which Compose runs from a file that people can read. What is kept where stands in
// compose/home.ts. The data of each generation is a volume; the ledger says which one is live, and docker-compose.yml follows it.

import { join } from 'node:path'
import { HayaiError, messageOf } from '../base/errors.ts'
import { sweepPartials } from '../base/files.ts'
import type { Engine, ServerRecipe } from '../engines/engine.ts'
import { sweepAll } from './compose/sweep.ts'
import { adoptedSite } from './compose/adopted.ts'
import { composeTool } from './compose/compose-tool.ts'
import { ask } from './compose/docker.ts'
import { examine } from './compose/examine.ts'
import { removeService } from './compose/file.ts'
import { called, LABEL, liveEndpoint, type Home, type Moment, type Patience } from './compose/home.ts'
import { imageName, imageOf } from './compose/image.ts'
import { imageForData, liveContainer, liveImage, liveOf, liveSeen, liveStatus, startLive, stopLive } from './compose/live.ts'
import { logsOf } from './compose/logs.ts'
import { deletePlace, placeOf } from './compose/place.ts'
import { projectIfAny, projectOf } from './compose/project.ts'
import { awakeTarget } from './compose/target.ts'
import { deleteUnfinished, makeTwin } from './compose/twin.ts'
import { exchange, resumeExchange } from './exchange.ts'
import {
  dropped,
  entryOf,
  generationOf,
  generationsOf,
  neighbourIn,
  readLedger,
  switched,
  writeLedger,
  type Ledger,
} from './generations.ts'
import { generationFolders, isUnfinished, markUnfinished } from './marks.ts'
import type { Placement, Runtime, Site } from './runtime.ts'
import { proofOf } from './secured.ts'

export const compose: Runtime = composeRuntime({})

export interface ComposeOptions {
  readonly patience?: Partial<Patience>
  /** Told of each moment at which a killed command leaves something different behind. */
  readonly at?: (moment: Moment) => void
}

export function composeRuntime({ patience = {}, at = () => {} }: ComposeOptions): Runtime {
  const waits: Patience = { start: 120_000, stop: 60_000, write: 900_000, ...patience }
  return {
    name: 'compose',
    shape: 'server',
    containers: true,
    lowestPort: () => Promise.resolve(1), // Docker listens for them
    async probe(engine, version, { image, ...wanting } = {}) {
      const recipe = serverRecipe(engine)
      const [found] = await Promise.all([imageOf(recipe, engine.title, imageName(recipe, version, image), wanting), composeTool()])
      return { version: found.version }
    },
    examine,
    async discard(dataDir) {
      for (const name of await generationFolders(dataDir)) await deletePlace(join(dataDir, name))
    },
    site(placement, engine) {
      const home = { placement, title: engine.title, recipe: fitted(serverRecipe(engine), placement), patience: waits, at }
      const { adopted } = placement.container
      return adopted === undefined ? siteOf(home) : adoptedSite(home, adopted, (target) => engine.inspect(target))
    },
  }
}

function serverRecipe({ recipe, title }: Engine): ServerRecipe {
  if (recipe.shape !== 'server') throw new Error(`${title} is a file, and has no server to run`)
  return recipe
}

/** With what only `.hayaidb` can tell of an image: where it listens, and where its data is. */
function fitted(recipe: ServerRecipe, { container: { data, listens } }: Placement): ServerRecipe {
  if (data === undefined && listens === undefined) return recipe
  return {
    ...recipe,
    port: listens ?? recipe.port,
    container: { ...recipe.container, dataDir: data ?? recipe.container.dataDir },
  }
}

function siteOf(home: Home): Site {
  const { dataDir, runDir, name } = home.placement

  return {
    path: dataDir,

    proof: () => proofOf(home.placement),

    interrupts: () => Promise.resolve(undefined),
    async container() {
      const project = await projectIfAny(home)
      return project === undefined ? undefined : liveContainer(home, project)
    },

    image: () => liveImage(home),

    async status() {
      return liveStatus(home, await readLedger(dataDir))
    },

    async create() {
      if ((await readLedger(dataDir)) !== undefined) {
        throw new HayaiError('CONFLICT', `${called(home)} has data already`, { hint: `Run \`hayai start ${name}\`.` })
      }
      await refuseUnknownData(home)
      const twin = await makeTwin(home)
      try {
        await twin.wake(new AbortController().signal)
        await twin.swap('created')
      } finally {
        await twin.close()
      }
    },

    async start(signal, stage) {
      await startLive(home, await ledgerOf(home), signal, stage)
    },

    stop: () => stopLive(home),

    async retire() {
      const project = await projectIfAny(home)
      if (project === undefined) return
      if ((await liveSeen(home)) !== undefined) {
        await stopLive(home)
        await ask(['rm', '--volumes', liveContainer(home, project)])
      }
      await removeService(home, project)
    },

    async open(programsOf) {
      const ledger = await ledgerOf(home)
      const project = await projectOf(home)
      const container = liveContainer(home, project)
      const seen = await liveSeen(home)
      const generation = seen?.labels[LABEL.generation] ?? ledger.live
      if (seen?.running !== true) throw new HayaiError('WRONG_STATE', `${called(home)} must be running`, { hint: `hayai start ${name}` })
      const endpoint = await liveEndpoint(home)
      try {
        await home.recipe.answers(endpoint)
      } catch (cause) {
        throw new HayaiError('WRONG_STATE', `${called(home)} must be running, but its server does not answer: ${messageOf(cause)}`, {
          hint: `hayai stop ${name} && hayai start ${name}`,
          cause,
        })
      }
      const { version } = entryOf(ledger, generation)
      if (programsOf === undefined) {
        return awakeTarget(home, generation, endpoint, container, { version, imageId: seen.imageId, ledger })
      }
      const other = await imageOf(home.recipe, home.title, imageName(home.recipe, programsOf, undefined))
      return awakeTarget(home, generation, endpoint, container, { version, image: other.name })
    },

    twin: (watch) => makeTwin(home, { watch }),

    async generations() {
      return generationsOf(await readLedger(dataDir))
    },

    async switchTo(generation, watch) {
      const before = await ledgerOf(home)
      const place = await placeOf(home, generation)
      const next = switched(before, generation, new Date())
      await imageForData(home, next, place, { watch }) // what cannot be had is told before anything is stopped
      if (next !== before) await exchange(liveOf(home), before, next)
      return generationOf(next, generation)
    },

    async neighbour(step) {
      return neighbourIn(await readLedger(dataDir), step)
    },

    async drop(generation) {
      const next = dropped(await ledgerOf(home), generation)
      await markUnfinished(dataDir, generation)
      home.at('drop announced')
      await writeLedger(dataDir, next)
      home.at('dropped')
      await deleteUnfinished(home, generation)
    },

    async recover() {
      try {
        await resumeExchange(liveOf(home))
      } finally {
        await sweepAll(home, await readLedger(dataDir))
        await sweepPartials(dataDir)
        await sweepPartials(runDir)
      }
    },

    async *logs({ follow, lines }, signal) {
      const project = await projectOf(home)
      yield* logsOf(home, liveContainer(home, project), { follow, lines }, signal)
    },
  }
}

async function refuseUnknownData(home: Home): Promise<void> {
  const { dataDir } = home.placement
  for (const name of await generationFolders(dataDir)) {
    if (await isUnfinished(dataDir, name)) continue
    throw new HayaiError('CONFLICT', `${join(dataDir, name)} is there, but nothing tells whose it is`, {
      hint: `Put back generations.json, or move the folder away to begin ${called(home)} anew.`,
    })
  }
}

async function ledgerOf(home: Home): Promise<Ledger> {
  const ledger = await readLedger(home.placement.dataDir)
  if (ledger !== undefined) return ledger
  throw new HayaiError('WRONG_STATE', `${called(home)} has no data yet`, { hint: 'Run `hayai init` to create it.' })
}
