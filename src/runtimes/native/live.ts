// The server of the live generation: started by the installation that fits its data, stopped, asked how it is.

import { HayaiError, isCode } from '../../base/errors.ts'
import { exists } from '../../base/files.ts'
import { listens } from '../../base/ports.ts'
import { isAlive } from '../../base/processes.ts'
import type { Live } from '../exchange.ts'
import { entryOf, type Entry, type Ledger } from '../generations.ts'
import type { Status } from '../runtime.ts'
import { called, serverFolder, type Home } from './home.ts'
import { findInstallation, type Installation } from './installation.ts'
import { endServer, servingIn, startServer, untilSettled, type Serving } from './server.ts'
import { endUnforced } from './unforced.ts'

export function liveOf(home: Home): Live {
  return {
    placement: home.placement,
    at: home.at,
    runs: async () => (await liveServing(home)) !== undefined,
    start: (ledger, signal) => startLive(home, ledger, signal),
    stop: () => stopLive(home),
    follow: () => Promise.resolve(),
  }
}

export async function liveStatus(home: Home, ledger: Ledger | undefined): Promise<Status> {
  if (ledger === undefined || !(await exists(serverFolder(home, ledger.live)))) return 'missing'
  const serving = await liveServing(home)
  if (serving === undefined) return 'stopped'
  return (await listens(serving.port, 1000)) ? 'running' : 'unhealthy'
}

export function liveServing(home: Home): Promise<Serving | undefined> {
  return servingIn(home.placement.runDir)
}

/** Returns when the live generation answers a query; does nothing when it already does. */
export async function startLive(home: Home, ledger: Ledger, signal: AbortSignal): Promise<void> {
  const { placement } = home
  const serving = await liveServing(home)
  if (serving !== undefined && serving.generation === ledger.live && (await comesUp(home, serving, signal))) return
  if (serving !== undefined) await stopLive(home) // its generation is live no more, or it ended while it was waited for
  if (!(await exists(serverFolder(home, ledger.live)))) {
    throw new HayaiError('CORRUPT', `the data of ${called(home)} is gone: ${serverFolder(home, ledger.live)} is not there`, {
      hint: `Run \`hayai undo ${placement.name}\`, or restore a snapshot.`,
    })
  }
  const installation = await installationOf(home, entryOf(ledger, ledger.live))
  const recordIn = placement.runDir
  const { port, logFile } = placement
  await startServer(home, { generation: ledger.live, installation, port, purpose: 'live', recordIn, logFile }, signal)
}

/** False when it ended: it was stopping, or had been left at the gate by a command that was killed. */
async function comesUp(home: Home, serving: Serving, signal: AbortSignal): Promise<boolean> {
  try {
    await untilSettled(home, serving, 'live', signal)
    return true
  } catch (error) {
    if (isCode(error, 'TOOL_FAILED') && !isAlive(serving.process)) return false
    throw error
  }
}

export async function stopLive(home: Home): Promise<void> {
  const { stopSignal, forcible } = home.recipe
  const { runDir } = home.placement
  if (forcible) await endServer(home, runDir, stopSignal, home.patience.stop)
  else await endUnforced(home, runDir, stopSignal)
}

/** The programs for data that is there: those of the major version that made it, whatever version is asked for today. */
export async function installationOf(home: Home, { version }: Entry): Promise<Installation> {
  if (version === null) throw new Error('a server generation without a version')
  try {
    return await findInstallation(home.recipe, home.title, home.recipe.majorOf(version))
  } catch (error) {
    if (!isCode(error, 'ENVIRONMENT')) throw error
    throw new HayaiError('ENVIRONMENT', `the data of ${called(home)} was made by ${home.title} ${version}: ${error.message}`, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      ...(error.details === undefined ? {} : { details: error.details }),
      cause: error,
    })
  }
}
