// The container of the live generation: started by Compose from docker-compose.yml, stopped, asked how it is.

import { HayaiError, isCode } from '../../base/errors.ts'
import { holderOf, isTaken } from '../../base/ports.ts'
import type { Live } from '../exchange.ts'
import { entryOf, readLedger, type Ledger } from '../generations.ts'
import type { ImageRecord, Status } from '../runtime.ts'
import { compose, composeTool } from './compose-tool.ts'
import { dataIn, foundNow, foundWithin } from './data.ts'
import { ask, isNoSuch, wordsOf } from './docker.ts'
import { have, hereIs, recordOf, type Wanting } from './fetch.ts'
import { composeFile, writeService } from './file.ts'
import { called, LABEL, liveEndpoint, type Home } from './home.ts'
import { imageOf } from './image.ts'
import { see, type Seen } from './inspect.ts'
import { keepPlace, placeOf, recordIn, volumeIsThere, type VolumePlace } from './place.ts'
import { projectIfAny, projectOf, type ComposeProject } from './project.ts'
import { layOut } from '../secured.ts'
import { explain, untilAnswers } from './readiness.ts'
import { containerOf, rewriteInput } from './service.ts'
import { stopContainer } from './stop.ts'
import { makeMountedFolders, mountsOf } from './wishes.ts'

export function liveOf(home: Home): Live {
  return {
    placement: home.placement,
    at: home.at,
    runs: async () => (await liveSeen(home))?.running === true,
    start: (ledger, signal) => startLive(home, ledger, signal),
    stop: () => stopLive(home),
    follow: (ledger) => writeLive(home, ledger),
  }
}

export function liveContainer(home: Home, project: ComposeProject): string {
  return `${project.name}-${home.placement.name}-1`
}

export async function liveSeen(home: Home): Promise<Seen | undefined> {
  const project = await projectIfAny(home)
  if (project === undefined) return undefined
  const seen = await see(liveContainer(home, project))
  return seen === undefined || seen.labels[LABEL.database] === home.placement.id ? seen : undefined
}

export async function liveStatus(home: Home, ledger: Ledger | undefined): Promise<Status> {
  if (ledger === undefined) return 'missing'
  let seen: Seen | undefined
  try {
    seen = await liveSeen(home)
  } catch (error) {
    if (isCode(error, 'ENVIRONMENT')) return 'unreachable'
    throw error
  }
  if (seen?.running !== true) return 'stopped'
  if (seen.stuck || seen.health === 'unhealthy') return 'unhealthy'
  if (seen.health === 'healthy') return 'running'
  try {
    await home.recipe.answers(await liveEndpoint(home))
    return 'running'
  } catch {
    return 'unhealthy' // it starts, or it does not: it cannot be used now
  }
}

/** Returns when the live generation answers a query; does nothing when it already does. */
export async function startLive(home: Home, ledger: Ledger, signal: AbortSignal, stage?: (name: string) => void): Promise<void> {
  const project = await projectOf(home)
  const container = liveContainer(home, project)
  const place = await placeOf(home, ledger.live)
  const here = hereIs(place.image)
  for (const meanwhile of [here, composeTool()]) meanwhile.catch(() => {}) // whoever needs it hears of it
  const [seen, isThere] = await Promise.all([liveSeen(home), volumeIsThere(place.volume)])
  if (seen?.paused === true) await ask(['unpause', container]) // it was held still for a copy
  else if (seen?.stuck === true) await ask(['rm', '--force', '--volumes', container])
  if (seen?.running === true && (seen.paused || !seen.stuck)) {
    if (seen.labels[LABEL.generation] === ledger.live && (await comesUp(home, container, ledger.live, signal))) return
    await stopContainer(home, container)
  }
  if (!isThere) {
    throw new HayaiError('CORRUPT', `the data of ${called(home)} is gone: Docker has no volume ${place.volume}`, {
      hint: `Run \`hayai undo ${home.placement.name}\`, or restore a snapshot.`,
    })
  }
  const watch = stage === undefined ? undefined : { signal, stage }
  const image = await imageForData(home, ledger, place, { watch, here }) // before anything waits for it
  await refuseTakenPort(home)
  await makeMounts(home, project)
  await writeLive(home, ledger, { image, ...(seen === undefined || (!seen.running && !seen.stuck) ? { looked: { seen } } : {}) })
  home.at('service written')
  try {
    await up(home, project, signal)
    home.at('container started')
    await settled(home, container, ledger.live, signal)
  } catch (error) {
    await leaveNothing(container)
    throw error
  }
}

async function comesUp(home: Home, container: string, generation: string, signal: AbortSignal): Promise<boolean> {
  try {
    await settled(home, container, generation, signal)
    return true
  } catch (error) {
    if (isCode(error, 'TOOL_FAILED') && (await see(container))?.running !== true) return false
    throw error
  }
}

async function settled(home: Home, container: string, generation: string, signal: AbortSignal): Promise<void> {
  const { recipe, placement } = home
  const endpoint = await liveEndpoint(home)
  await untilAnswers(home, container, endpoint, signal)
  const data = dataIn(home, container)
  await recipe.settle({ endpoint, settings: placement.settings, data, signal }, 'live')
  await rewriteInput(home, placement.runDir, generation, await foundWithin(home, container, recipe.looksFor))
}

interface Known {
  /** Of `imageForData`. */
  readonly image?: string
  readonly looked?: { readonly seen: Seen | undefined }
}

/** Writes docker-compose.yml for what the ledger calls live. */
export async function writeLive(home: Home, ledger: Ledger, known: Known = {}): Promise<void> {
  const project = await projectOf(home)
  const generation = ledger.live
  const place = await placeOf(home, generation)
  const image = known.image ?? (await imageForData(home, ledger, place))
  const container = liveContainer(home, project)
  const { seen } = known.looked ?? { seen: await liveSeen(home) }
  const found = await foundNow(home, place, seen?.labels[LABEL.generation] === generation ? { ...seen, container } : undefined)
  const { runDir } = home.placement
  if (seen?.running !== true) await layOut(home.placement) // one that runs goes by what it was started with
  await writeService(home, project, await containerOf(home, { project, generation, place, image, purpose: 'live', folder: runDir, found }))
  // The older Compose gives a service's next container the volume of its last one, whatever the file says.
  if (seen !== undefined && !seen.running && seen.labels[LABEL.generation] !== generation) await leaveNothing(container)
}

/** The image asked for, if it is of the major version that made the data; else the one that made it. */
export async function imageForData(
  home: Home,
  ledger: Ledger,
  place: VolumePlace,
  { watch, here }: Omit<Wanting, 'known'> = {},
): Promise<string> {
  const asked = home.placement.container.image
  if (asked !== undefined && asked !== place.image) {
    const { version } = entryOf(ledger, ledger.live)
    const { majorOf } = home.recipe
    const image = await imageOf(home.recipe, home.title, asked, { watch })
    if (version === null || majorOf(image.version) === majorOf(version)) return asked
  }
  const { digest } = await have(place.image, { known: recordIn(place), watch, here })
  // Its name has come to mean another one here: that is what runs from now on.
  if (digest !== null && digest !== place.digest) await keepPlace(home, ledger.live, { ...place, digest })
  return place.image
}

/** As its container has it, and where there is none, as its data was made. */
export async function liveImage(home: Home): Promise<ImageRecord | undefined> {
  const seen = await liveSeen(home)
  if (seen !== undefined) return recordOf(seen.image, seen.imageId)
  const ledger = await readLedger(home.placement.dataDir)
  return ledger === undefined ? undefined : recordIn(await placeOf(home, ledger.live))
}

async function up(home: Home, project: ComposeProject, signal: AbortSignal): Promise<void> {
  const { root } = home.placement.project
  const file = await composeFile(root)
  const service = home.placement.name
  try {
    await compose(['-p', project.name, '--project-directory', root, '-f', file, 'up', '-d', '--no-deps', service], signal)
  } catch (error) {
    if (!isCode(error, 'TOOL_FAILED')) throw error
    if (/port is already allocated|address already in use/i.test(wordsOf(error))) throw await portTaken(home, error)
    if (/container name .* is already in use/i.test(wordsOf(error))) {
      throw new HayaiError('CONFLICT', `Docker has another container called ${liveContainer(home, project)}`, {
        hint: `Rename it: docker rename ${liveContainer(home, project)} OTHER`,
        cause: error,
      })
    }
    throw (await see(liveContainer(home, project))) === undefined ? error : await explain(liveContainer(home, project), error)
  }
}

async function refuseTakenPort(home: Home): Promise<void> {
  if (await isTaken(home.placement.port)) throw await portTaken(home)
}

async function portTaken(home: Home, cause?: unknown): Promise<HayaiError> {
  const { port, name } = home.placement
  const holder = await holderOf(port)
  const who = holder === undefined ? 'another program' : `process ${holder.pid} (${holder.program})`
  return new HayaiError('CONFLICT', `port ${port} of ${called(home)} is taken by ${who}`, {
    hint: `End that program, then run \`hayai start ${name}\`.`,
    details: { port, pid: holder?.pid ?? null, program: holder?.program ?? null },
    cause,
  })
}

async function makeMounts(home: Home, project: ComposeProject): Promise<void> {
  await makeMountedFolders(home)
  for (const { named, source } of mountsOf(home)) {
    if (named) await ask(['volume', 'create', '--label', `${LABEL.project}=${project.mark}`, `${project.name}_${source}`])
  }
}

/** A start that failed leaves no container that goes on trying. */
async function leaveNothing(container: string): Promise<void> {
  try {
    await ask(['rm', '--force', '--volumes', container])
  } catch (error) {
    if (!isNoSuch(error) && !isCode(error, 'ENVIRONMENT')) throw error
  }
}

export async function stopLive(home: Home): Promise<void> {
  const project = await projectIfAny(home)
  const seen = await liveSeen(home)
  if (project === undefined || (seen?.running !== true && seen?.stuck !== true)) return
  await stopContainer(home, liveContainer(home, project))
}
