// Databases that are a file. Applications open the live file by themselves, at any time, by the path they have always known: so
// that file is never moved or replaced, its content is (embedded/exchange.ts).

import { constants, copyFile, link, mkdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Bytes } from '../base/bytes.ts'
import { HayaiError, systemCode } from '../base/errors.ts'
import { run } from '../base/exec.ts'
import { freeBytes, exists, giveByName, makeFolder, syncFile, syncFolder, sweepPartials, temporaryName } from '../base/files.ts'
import type { Engine, FileRecipe, Invocation, Target } from '../engines/engine.ts'
import { dropGeneration, exchange, resumeExchange } from './embedded/exchange.ts'
import { deleteUnfinished, makeUnfinished, sweepFolders } from './embedded/folders.ts'
import { called, generationFile, generationFolder, liveFile, liveIsThere, livePath, type Home, type Moment } from './embedded/home.ts'
import { entryOf, generationOf, generationsOf, grown, neighbourIn, nextName, readLedger, writeLedger, type Ledger } from './generations.ts'
import { noContainers } from './no-containers.ts'
import type { Generation, Runtime, Site, Twin } from './runtime.ts'
import { workshopIn } from './workshop.ts'

export const embedded: Runtime = embeddedRuntime({})

export interface EmbeddedOptions {
  readonly patience?: number
  /** Told of each moment at which a killed command leaves something different behind. */
  readonly at?: (moment: Moment) => void
}

export function embeddedRuntime({ patience = 10_000, at = () => {} }: EmbeddedOptions): Runtime {
  return {
    name: 'embedded',
    shape: 'file',
    containers: false,
    lowestPort: () => Promise.resolve(1), // none listens
    async probe(engine, asked) {
      const version = await fileRecipe(engine).version()
      if (asked !== undefined && version !== asked && !version.startsWith(`${asked}.`)) {
        throw new HayaiError('ENVIRONMENT', `${engine.title} ${asked} was asked for, and this machine has ${version}`, {
          hint: 'Leave the version out: the file is the same.',
        })
      }
      return { version }
    },
    examine: () => Promise.reject(noContainers('embedded')),
    discard: () => Promise.resolve(), // all is in that folder
    site: (placement, engine) => siteOf({ placement, title: engine.title, recipe: fileRecipe(engine), patience, at }),
  }
}

function fileRecipe({ recipe, title }: Engine): FileRecipe {
  if (recipe.shape !== 'file') throw new Error(`${title} is a server, and not a file`)
  return recipe
}

function siteOf(home: Home): Site {
  const { dataDir } = home.placement

  return {
    path: livePath(home),

    proof: () => Promise.resolve(undefined),

    interrupts: () => Promise.resolve(undefined),
    container: () => Promise.resolve(undefined),
    image: () => Promise.resolve(undefined),

    async status() {
      return (await liveIsThere(home)) ? 'file' : 'missing'
    },

    create: () => create(home),

    async start() {
      await refuseMissing(home)
    },

    stop: () => Promise.resolve(),

    retire: () => Promise.resolve(),

    async open() {
      await refuseMissing(home)
      return targetOf(home, await liveFile(home))
    },

    twin: () => makeTwin(home),

    async generations() {
      return generationsOf(await readLedger(dataDir))
    },

    async switchTo(generation) {
      const ledger = await ledgerOf(home)
      entryOf(ledger, generation)
      if (generation !== ledger.live) await exchange(home, ledger, generation, null)
      return generationOf(await ledgerOf(home), generation)
    },

    async neighbour(step) {
      return neighbourIn(await readLedger(dataDir), step)
    },

    async drop(generation) {
      await dropGeneration(home, await ledgerOf(home), generation)
    },

    async recover() {
      await resumeExchange(home)
      await sweepFolders(home, await readLedger(dataDir))
      await sweepPartials(dataDir)
      await sweepPartials(dirname(livePath(home)))
    },

    logs() {
      throw new HayaiError('USAGE', `${called(home)} is a file and has no log`, { hint: `${home.title} writes none; its application may.` })
    },
  }
}

async function create(home: Home): Promise<void> {
  const { placement, recipe } = home
  if ((await readLedger(placement.dataDir)) !== undefined) {
    throw new HayaiError('CONFLICT', `${called(home)} has data already`, { hint: `Its file is ${livePath(home)}.` })
  }
  const live = await liveFile(home)
  const adopted = await exists(live)
  if (adopted) await recipe.recognise(live)
  else await newFile(home, live, home.recipe.create)
  home.at('created')
  try {
    await makeFolder(placement.dataDir)
    const birth = { origin: adopted ? 'adopted' : 'created', version: null, at: new Date() }
    await writeLedger(placement.dataDir, grown(undefined, nextName(undefined, []), birth))
  } catch (error) {
    if (!adopted) await rm(live, { force: true })
    throw error
  }
}

/** The twin of a database that has no data yet. */
async function becomeFirst(home: Home, name: string, origin: string): Promise<void> {
  const { dataDir } = home.placement
  const live = await liveFile(home)
  if (await exists(live))
    throw new HayaiError('CONFLICT', `${live} is in the way`, { hint: 'Move it away, or adopt it: `hayai init --file`.' })
  await newFile(home, live, (partial) => copyFile(generationFile(home, name), partial, constants.COPYFILE_FICLONE))
  home.at('created')
  try {
    await writeLedger(dataDir, grown(undefined, name, { origin, version: null, at: new Date() }))
  } catch (error) {
    await rm(live, { force: true })
    throw error
  }
  await rm(generationFolder(home, name), { recursive: true, force: true })
}

/** A file that was not there, whole and durable. */
async function newFile({ recipe }: Home, live: string, make: (partial: string) => Promise<void>): Promise<void> {
  await makeFolder(dirname(live))
  for (const ending of recipe.companions) {
    if (!(await exists(live + ending))) continue
    throw new HayaiError('CONFLICT', `${live + ending} is left of a database that is gone, and would spoil a new one`, {
      hint: 'Put the database back, or move this file away.',
    })
  }
  const partial = join(dirname(live), temporaryName(basename(live)))
  try {
    await make(partial)
    await giveByName(partial)
    await syncFile(partial)
    await link(partial, live)
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
    throw new HayaiError('CONFLICT', `another program made ${live} at this moment`, { hint: 'Try again to adopt it.', cause: error })
  } finally {
    await rm(partial, { force: true })
  }
  await syncFolder(dirname(live))
}

async function makeTwin(home: Home): Promise<Twin> {
  const name = await makeUnfinished(home, await readLedger(home.placement.dataDir))
  let swapped = false
  return {
    name,
    target: () => targetOf(home, generationFile(home, name)),
    wake: () => Promise.resolve(),
    async swap(origin): Promise<Generation> {
      const ledger = await readLedger(home.placement.dataDir)
      if (ledger === undefined) await becomeFirst(home, name, origin)
      else await exchange(home, ledger, name, origin)
      swapped = true
      return generationOf(await ledgerOf(home), name)
    },
    async close() {
      if (!swapped) await deleteUnfinished(home, name)
    },
  }
}

async function targetOf(home: Home, path: string): Promise<Target> {
  const { dataDir } = home.placement
  const scratch = join(dataDir, temporaryName('scratch')) // its name tells its owner: a killed command's is swept
  await makeFolder(dataDir)
  await mkdir(scratch, { mode: 0o700 })
  const runs = ({ program, args, env, signal }: Invocation, input?: Bytes): Bytes =>
    run({ file: program, args, ...(env === undefined ? {} : { env }), ...(signal === undefined ? {} : { signal }) }, input)
  return {
    endpoint: undefined,
    inner: undefined,
    version: null,
    path,
    scratch,
    freeBytes: () => freeBytes(path),
    run: runs,
    workshop: () => workshopIn(scratch, runs),
    layDown: () => Promise.reject(new Error('a file is no folder that something could be laid down in')),
    copyAtRest: () => Promise.reject(new Error('a file has no server to be stopped')),
    async close() {
      await rm(scratch, { recursive: true, force: true })
    },
  }
}

async function refuseMissing(home: Home): Promise<void> {
  if (await liveIsThere(home)) return
  const { name } = home.placement
  throw new HayaiError('WRONG_STATE', `the file of ${called(home)} is gone: ${livePath(home)}`, {
    hint: `Bring it back: hayai restore ${name} --latest`,
  })
}

async function ledgerOf(home: Home): Promise<Ledger> {
  const ledger = await readLedger(home.placement.dataDir)
  if (ledger !== undefined) return ledger
  throw new HayaiError('WRONG_STATE', `${called(home)} has no data yet`, { hint: 'Run `hayai init` to create it.' })
}
