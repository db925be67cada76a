// An empty generation beside the live one. Until the ledger names it, it is an unfinished folder that anyone who finds its
// maker dead may delete; its server listens on a port that nobody knows.

import { readdir, rm } from 'node:fs/promises'
import { HayaiError, isCode } from '../../base/errors.ts'
import { syncFolder, syncTree } from '../../base/files.ts'
import { freePort } from '../../base/ports.ts'
import { exchange } from '../exchange.ts'
import { entryOf, generationOf, grown, readLedger } from '../generations.ts'
import { markFinished } from '../marks.ts'
import type { Twin } from '../runtime.ts'
import { accountFor, giveTo } from './account.ts'
import { deleteUnfinished, makeReady, makeUnfinished } from './folders.ts'
import { called, endpointAt, generationFolder, serverFolder, twinLog, type Home } from './home.ts'
import { findInstallation, type Installation } from './installation.ts'
import { liveOf } from './live.ts'
import { endServer, servingIn, startServer, type Running } from './server.ts'
import { targetOf } from './target.ts'

export async function makeTwin(home: Home): Promise<Twin> {
  const { placement, recipe } = home
  const ledger = await readLedger(placement.dataDir)
  const installation = await installationForNew(home, ledger === undefined ? undefined : entryOf(ledger, ledger.live).version)
  const name = await makeUnfinished(home, ledger)
  const folder = generationFolder(home, name)
  let running: Running | undefined
  let standing: 'beside' | 'swapped' | 'closed' = 'beside'

  function mustStandBeside(): void {
    if (standing !== 'beside') throw new Error(`the twin ${name} is ${standing}`)
  }

  return {
    name,

    async target() {
      mustStandBeside()
      const endpoint = running === undefined ? undefined : endpointAt(home, running.serving.port)
      return targetOf(home, name, endpoint, { installation: () => Promise.resolve(installation) })
    },

    async wake(signal) {
      mustStandBeside()
      if (running !== undefined) return
      const laidDown = (await readdir(serverFolder(home, name))).length > 0
      if (laidDown) await giveTo(serverFolder(home, name), await accountFor(recipe, home.placement.dataDir))
      await makeReady(home, name, { by: laidDown ? recipe.adopt : recipe.create, installation, port: placement.port }, signal)
      await rm(twinLog(home), { force: true })
      running = await startOnFreePort(home, name, installation, signal)
    },

    async swap(origin) {
      mustStandBeside()
      if (running !== undefined) await bringToRest(home, name, running)
      running = undefined
      home.at('twin stopped')
      await syncTree(folder)
      await syncFolder(placement.dataDir)
      home.at('twin durable')
      const before = await readLedger(placement.dataDir)
      const next = grown(before, name, { origin, version: installation.version, at: new Date() })
      await exchange(liveOf(home), before, next)
      standing = 'swapped'
      await markFinished(placement.dataDir, name)
      home.at('switch done')
      return generationOf(next, name)
    },

    async close() {
      if (standing !== 'beside') return
      await deleteUnfinished(home, name)
      standing = 'closed'
      running = undefined
    },
  }
}

/** The version asked for; else the live data's own major, so that a restore is not an upgrade that nobody asked for. */
export function installationForNew(home: Home, live: string | undefined | null): Promise<Installation> {
  const { version = typeof live === 'string' ? home.recipe.majorOf(live) : undefined } = home.placement
  return findInstallation(home.recipe, home.title, version)
}

async function startOnFreePort(home: Home, generation: string, installation: Installation, signal: AbortSignal): Promise<Running> {
  const recordIn = generationFolder(home, generation)
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort()
    try {
      return await startServer(home, { generation, installation, port, purpose: 'filling', recordIn, logFile: twinLog(home) }, signal)
    } catch (error) {
      if (!isCode(error, 'CONFLICT') || attempt === 3) throw error // another program was quicker to take the port
    }
  }
}

/** A filling server need not survive a crash: only one that lived until now, and ends well, leaves data to be trusted. */
async function bringToRest(home: Home, name: string, running: Running): Promise<void> {
  const folder = generationFolder(home, name)
  const alive = (await servingIn(folder)) !== undefined
  const asAsked = await endServer(home, folder, home.recipe.stopSignal, home.patience.stop)
  const status = await running.ended()
  if (alive && asAsked && (status === 0 || (status === null && home.recipe.bySignal === true))) return
  const how = !alive
    ? 'had ended by itself'
    : !asAsked
      ? 'had to be forced to end'
      : `ended with ${status === null ? 'a signal' : `exit ${status}`}`
  throw new HayaiError('TOOL_FAILED', `the new copy of ${called(home)} cannot be trusted: its server ${how}`, {
    hint: `The live database was not touched. The server's log: ${twinLog(home)}`,
  })
}
