// Server databases as plain processes of this machine: no daemon, no container, no root needed. What is in which folder
// stands in native/home.ts; a server is known by number and start (native/server.ts); the ledger says which data is live.

import { HayaiError, messageOf } from '../base/errors.ts'
import { sweepPartials, syncFolder, syncTree } from '../base/files.ts'
import type { Engine, ServerRecipe } from '../engines/engine.ts'
import { exchange, resumeExchange } from './exchange.ts'
import {
  dropped,
  entryOf,
  generationOf,
  generationsOf,
  grown,
  neighbourIn,
  readLedger,
  switched,
  writeLedger,
  type Ledger,
} from './generations.ts'
import { markFinished, markUnfinished } from './marks.ts'
import { lowestPort } from '../base/ports.ts'
import { accountFor, startedAs } from './native/account.ts'
import { deleteUnfinished, makeReady, makeUnfinished, refuseUnknownData, sweepFolders } from './native/folders.ts'
import { called, generationFolder, liveEndpointAt, type Home, type Moment, type Patience } from './native/home.ts'
import { findInstallation, type Installation } from './native/installation.ts'
import { installationOf, liveOf, liveServing, liveStatus, startLive, stopLive } from './native/live.ts'
import { logOf } from './native/log.ts'
import { targetOf } from './native/target.ts'
import { installationForNew, makeTwin } from './native/twin.ts'
import { noContainers } from './no-containers.ts'
import type { Runtime, Site } from './runtime.ts'
import { proofOf } from './secured.ts'

export const native: Runtime = nativeRuntime({})

export interface NativeOptions {
  readonly patience?: Partial<Patience>
  /** Told of each moment at which a killed command leaves something different behind. */
  readonly at?: (moment: Moment) => void
}

export function nativeRuntime({ patience = {}, at = () => {} }: NativeOptions): Runtime {
  const waits: Patience = { start: 60_000, stop: 60_000, insist: 10_000, write: 900_000, ...patience }
  return {
    name: 'native',
    shape: 'server',
    containers: false,
    lowestPort,
    async probe(engine, version) {
      const recipe = serverRecipe(engine)
      await startedAs(await accountFor(recipe), recipe)
      return { version: (await findInstallation(recipe, engine.title, version)).version }
    },
    examine: () => Promise.reject(noContainers('native')),
    discard: () => Promise.resolve(), // all is in that folder
    site: (placement, engine) => siteOf({ placement, title: engine.title, recipe: serverRecipe(engine), patience: waits, at }),
  }
}

function serverRecipe({ recipe, title }: Engine): ServerRecipe {
  if (recipe.shape !== 'server') throw new Error(`${title} is a file, and has no server to run`)
  return recipe
}

function siteOf(home: Home): Site {
  const { dataDir, runDir } = home.placement

  return {
    path: dataDir,

    proof: () => proofOf(home.placement),

    interrupts: () => Promise.resolve(undefined),
    container: () => Promise.resolve(undefined),
    image: () => Promise.resolve(undefined),

    async status() {
      return liveStatus(home, await readLedger(dataDir))
    },

    async create() {
      if ((await readLedger(dataDir)) !== undefined) {
        throw new HayaiError('CONFLICT', `${called(home)} has data already`, { hint: `Run \`hayai start ${home.placement.name}\`.` })
      }
      await refuseUnknownData(home)
      const installation = await installationForNew(home, undefined)
      const name = await makeUnfinished(home, undefined)
      try {
        await makeReady(home, name, { by: home.recipe.create, installation, port: home.placement.port })
        await syncTree(generationFolder(home, name))
        await syncFolder(dataDir)
        await writeLedger(dataDir, grown(undefined, name, { origin: 'created', version: installation.version, at: new Date() }))
        home.at('switched')
      } catch (error) {
        await deleteUnfinished(home, name)
        throw error
      }
      await markFinished(dataDir, name)
    },

    async start(signal) {
      await startLive(home, await ledgerOf(home), signal)
    },

    stop: () => stopLive(home),

    retire: () => stopLive(home),

    async open(programsOf) {
      const ledger = await ledgerOf(home)
      const serving = await liveServing(home)
      const { name } = home.placement
      if (serving === undefined) throw new HayaiError('WRONG_STATE', `${called(home)} must be running`, { hint: `hayai start ${name}` })
      const endpoint = await liveEndpointAt(home, serving.port)
      try {
        await home.recipe.answers(endpoint)
      } catch (cause) {
        throw new HayaiError('WRONG_STATE', `${called(home)} must be running, but its server does not answer: ${messageOf(cause)}`, {
          hint: `hayai stop ${name} && hayai start ${name}`,
          cause,
        })
      }
      const programs = (): Promise<Installation> =>
        programsOf === undefined
          ? installationOf(home, entryOf(ledger, serving.generation))
          : findInstallation(home.recipe, home.title, programsOf)
      return targetOf(home, serving.generation, endpoint, { installation: programs, ledger })
    },

    twin: () => makeTwin(home),

    async generations() {
      return generationsOf(await readLedger(dataDir))
    },

    async switchTo(generation) {
      const before = await ledgerOf(home)
      const next = switched(before, generation, new Date())
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
        await sweepFolders(home, await readLedger(dataDir))
        await sweepPartials(dataDir)
        await sweepPartials(runDir)
      }
    },

    logs: (options, signal) => logOf(home, options, signal),
  }
}

async function ledgerOf(home: Home): Promise<Ledger> {
  const ledger = await readLedger(home.placement.dataDir)
  if (ledger !== undefined) return ledger
  throw new HayaiError('WRONG_STATE', `${called(home)} has no data yet`, { hint: 'Run `hayai init` to create it.' })
}
