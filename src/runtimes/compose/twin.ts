// An empty generation beside the live one: a volume of its own, and a second container on a port that nobody knows. Until the
// ledger names it, anyone who finds its maker dead may delete both.

import { chmod, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { drain, once } from '../../base/bytes.ts'
import { HayaiError } from '../../base/errors.ts'
import { exists, makeFolder, syncFolder } from '../../base/files.ts'
import { NOTHING_AROUND, type Census } from '../../engines/engine.ts'
import { exchange } from '../exchange.ts'
import { entryOf, generationOf, grown, nextName, readLedger, type Ledger } from '../generations.ts'
import { markAbandoned, markFinished, markUnfinished } from '../marks.ts'
import type { Fetching, Twin } from '../runtime.ts'
import { besides, dataIn, syncVolume } from './data.ts'
import { ask } from './docker.ts'
import { called, endpointAt, generationFolder, layingFolder, type Home } from './home.ts'
import { imageName, imageOf, type Image } from './image.ts'
import { see } from './inspect.ts'
import { liveOf } from './live.ts'
import { inside } from './inside.ts'
import { choosePlace, deletePlace, makeVolume, placeIn, recordIn, type VolumePlace } from './place.ts'
import { projectOf } from './project.ts'
import { explain, untilAnswers } from './readiness.ts'
import { asArguments, containerOf, forgetFiles } from './service.ts'
import { asleepTarget, awakeTarget } from './target.ts'

/** Makes it the live data, once all of it is durable: from one ledger to the next. `counted`: what it holds. */
export type PutIn = (before: Ledger | undefined, next: Ledger, counted: Census | undefined) => Promise<void>

interface Making {
  readonly putIn?: PutIn
  readonly watch?: Fetching | undefined
}

export async function makeTwin(home: Home, { putIn = intoPlace(home), watch }: Making = {}): Promise<Twin> {
  const { placement, recipe } = home
  const ledger = await readLedger(placement.dataDir)
  const image = await imageForNew(home, ledger, watch)
  const project = await projectOf(home)
  const name = await makeUnfinished(home, ledger)
  const folder = generationFolder(home, name)
  let running: { readonly port: number } | undefined
  let standing: 'beside' | 'swapped' | 'closed' = 'beside'
  const place = await orDelete(home, name, async () => {
    const chosen = await choosePlace(home, project, name, image, ledger === undefined)
    await makeVolume(home, project, name, chosen)
    home.at('volume made')
    return chosen
  })
  const { container } = place

  function mustStandBeside(): void {
    if (standing !== 'beside') throw new Error(`the twin ${name} is ${standing}`)
  }

  return {
    name,

    async target() {
      mustStandBeside()
      if (running === undefined) return asleepTarget(home, name, place)
      return awakeTarget(home, name, endpointAt(home, running.port), container, { version: image.version })
    },

    async wake(signal) {
      mustStandBeside()
      if (running !== undefined) return
      const laid = layingFolder(home, name)
      const found = await foundAmong(laid, recipe.looksFor)
      const wanted = { project, generation: name, place, image: image.name, purpose: 'filling', folder, found } as const
      await ask(['create', ...asArguments(home, container, await containerOf(home, wanted))], { signal })
      home.at('container made')
      const laidDown = (await readdir(laid)).length > 0
      if (laidDown) await ask(['cp', `${laid}/.`, `${container}:${recipe.container.dataDir}`], { signal })
      if (laidDown) await adopt(home, place, signal)
      await ask(['start', container], { signal })
      home.at('container started')
      const port = (await see(container))?.ports[recipe.port]
      if (port === undefined) throw await endedAtOnce(home, container)
      running = { port }
      const endpoint = endpointAt(home, port)
      await untilAnswers(home, container, endpoint, signal)
      await recipe.settle({ endpoint, settings: placement.settings, data: dataIn(home, container), signal }, 'filling')
    },

    async swap(origin, counted) {
      mustStandBeside()
      if (running !== undefined) await bringToRest(home, container)
      running = undefined
      home.at('twin stopped')
      await Promise.all([ask(['rm', '--force', '--volumes', container]), syncVolume(home, place)])
      await rm(layingFolder(home, name), { recursive: true, force: true })
      await forgetFiles(folder)
      await syncFolder(folder)
      await syncFolder(placement.dataDir)
      home.at('twin durable')
      const before = await readLedger(placement.dataDir)
      const next = grown(before, name, { origin, version: image.version, at: new Date() })
      await putIn(before, next, counted)
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

function intoPlace(home: Home): PutIn {
  return (before, next) => exchange(liveOf(home), before, next)
}

/** Gives files that were laid down the login of this place, by the image's own programs and as its account. */
async function adopt(home: Home, place: VolumePlace, signal: AbortSignal): Promise<void> {
  const { recipe, placement } = home
  const { dataDir } = recipe.container
  const programs = recipe.adopt({
    dataDir,
    port: recipe.port,
    settings: placement.settings,
    passwordFile: '',
    found: [],
    around: NOTHING_AROUND,
  })
  if (programs.length === 0) return
  await besides(home, place, { shell: ['-c', 'chown -R "$1" "$2" && chmod 700 "$2"', 'sh', recipe.account, dataDir] })
  for (const { input, ...invocation } of programs) {
    const options = ['run', '--rm', '-i', '--network', 'none', '--user', recipe.account, '--volume', `${place.volume}:${dataDir}`]
    await drain(inside({ options, place: place.image }, { ...invocation, signal }, input === undefined ? undefined : once(input)))
  }
}

/** What was asked for; else the live data's own major, so that a restore is not an upgrade that nobody asked for. */
async function imageForNew(home: Home, ledger: Ledger | undefined, watch: Fetching | undefined): Promise<Image> {
  const { placement, recipe, title } = home
  const live = ledger === undefined ? null : entryOf(ledger, ledger.live).version
  const version = placement.version ?? (live === null ? undefined : recipe.majorOf(live))
  const place = ledger === undefined ? undefined : await placeIn(generationFolder(home, ledger.live))
  const known = place === undefined ? placement.container.known : recordIn(place)
  const image = await imageOf(recipe, title, imageName(recipe, version, placement.container.image), { known, watch })
  if (version === undefined || recipe.majorOf(image.version) === recipe.majorOf(version)) return image
  throw new HayaiError('CONFLICT', `the image ${image.name} is of ${title} ${image.version}, and ${version} is wanted`, {
    hint: 'Change `image:` in .hayaidb.',
  })
}

async function makeUnfinished(home: Home, ledger: Ledger | undefined): Promise<string> {
  const { dataDir } = home.placement
  await makeFolder(dataDir)
  const name = nextName(ledger, await readdir(dataDir))
  const folder = generationFolder(home, name)
  await mkdir(folder, { mode: 0o700 })
  try {
    await markUnfinished(dataDir, name)
    home.at('folder made')
    await mkdir(layingFolder(home, name), { mode: 0o700 })
    await chmod(layingFolder(home, name), 0o700)
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
  return name
}

async function orDelete<T>(home: Home, name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await deleteUnfinished(home, name)
    throw error
  }
}

/** What is in Docker first, the folder that tells of it last. */
export async function deleteUnfinished(home: Home, name: string): Promise<void> {
  const folder = generationFolder(home, name)
  try {
    await deletePlace(folder)
  } catch (error) {
    await markAbandoned(home.placement.dataDir, name) // Docker is out of reach: the next command tries again
    throw error
  }
  await rm(folder, { recursive: true, force: true })
}

async function foundAmong(folder: string, names: readonly string[]): Promise<readonly string[]> {
  const found: string[] = []
  for (const name of names) if (await exists(join(folder, name))) found.push(name)
  return found
}

async function endedAtOnce(home: Home, container: string): Promise<HayaiError> {
  return explain(container, new HayaiError('TOOL_FAILED', `the server of ${called(home)} ended at its start`))
}

/** A filling server need not survive a crash: only one that lived until now, and ends well, leaves data to be trusted. */
async function bringToRest(home: Home, container: string): Promise<void> {
  const alive = (await see(container))?.running === true
  if (alive) await ask(['stop', '--time', String(Math.ceil(home.patience.stop / 1000)), container])
  const exit = (await see(container))?.exit
  if (alive && (exit === 0 || (home.recipe.container.endsByItself === true && exit !== 137))) return
  const how = !alive ? 'had ended by itself' : exit === 137 ? 'had to be forced to end' : `ended with exit ${exit}`
  throw new HayaiError('TOOL_FAILED', `the new copy of ${called(home)} cannot be trusted: its server ${how}`, {
    hint: 'The live database was not touched.',
  })
}
