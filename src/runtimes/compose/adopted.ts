// A database in a container that Hayai did not make: it is started, stopped, asked and dumped. It is never made anew: other data comes
// into its own volume (switch-others.ts), and its id, networks, ports, environment and image stay.

import { HayaiError, isCode, messageOf } from '../../base/errors.ts'
import { sweepPartials } from '../../base/files.ts'
import type { Endpoint, Facts, Target } from '../../engines/engine.ts'
import { dropped, generationOf, generationsOf, grown, neighbourIn, readLedger, switched, writeLedger, type Ledger } from '../generations.ts'
import { generationFolders, markFinished, markUnfinished, ownerOfMark, removeIfEmpty } from '../marks.ts'
import type { Site } from '../runtime.ts'
import { heldIn, type Held } from './errands.ts'
import { rememberedKeeping, rememberKeeping } from './switch-journal.ts'
import { forgetPlace, resumeSwitch, switchContent, type Others } from './switch-others.ts'
import { ask } from './docker.ts'
import { recordOf } from './fetch.ts'
import { called, endpointAt, generationFolder, type Home } from './home.ts'
import { imageName, imageOf } from './image.ts'
import { see, type Seen } from './inspect.ts'
import { logsOf } from './logs.ts'
import { placeOf } from './place.ts'
import { untilAnswers } from './readiness.ts'
import { stopContainer } from './stop.ts'
import { awakeTarget } from './target.ts'
import { deleteUnfinished, makeTwin, type PutIn } from './twin.ts'

const FIRST = 'g0001'

export function adoptedSite(home: Home, container: string, inspect: (target: Target) => Promise<Facts>): Site {
  const { dataDir, runDir, name } = home.placement

  // The port may be another at each start.
  function endpointOf(seen: Seen): Endpoint {
    return endpointAt(home, seen.ports[home.recipe.port] ?? home.placement.port)
  }

  async function mustSee(): Promise<Seen> {
    const seen = await see(container)
    if (seen !== undefined) return seen
    throw new HayaiError('WRONG_STATE', `the container ${container} of ${called(home)} is gone`, {
      hint: `Make it again, or bring the data back beside it: hayai restore ${name} --latest --to NAME`,
    })
  }

  async function mustAnswer(): Promise<Seen> {
    const seen = await mustSee()
    if (!seen.running) throw new HayaiError('WRONG_STATE', `${called(home)} must be running`, { hint: `hayai start ${name}` })
    try {
      await home.recipe.answers(endpointOf(seen))
      return seen
    } catch (cause) {
      throw new HayaiError('WRONG_STATE', `${called(home)} must be running, but its server does not answer: ${messageOf(cause)}`, {
        hint: `docker logs ${container}`,
        cause,
      })
    }
  }

  async function ledgerOf(): Promise<Ledger> {
    const ledger = await readLedger(dataDir)
    if (ledger !== undefined) return ledger
    throw new HayaiError('WRONG_STATE', `${called(home)} has no data yet`, { hint: 'Run `hayai init` to create it.' })
  }

  async function start(signal: AbortSignal): Promise<void> {
    if (!(await mustSee()).running) await ask(['start', container], { signal })
    await untilAnswers(home, container, endpointOf(await mustSee()), signal)
  }

  async function stop(): Promise<void> {
    const seen = await see(container)
    if (seen?.paused === true) await ask(['unpause', container])
    if (seen?.stuck === true && !seen.paused) await ask(['stop', container]) // it ends again and again by itself
    else if (seen?.running === true) await stopContainer(home, container, endpointOf(seen))
  }

  async function open(programsOf?: string): Promise<Target> {
    const endpoint = endpointOf(await mustAnswer())
    const ledger = await readLedger(dataDir)
    const version = ledger?.entries[ledger.live]?.version ?? null
    const generation = ledger?.live ?? FIRST
    if (programsOf === undefined) return { ...(await awakeTarget(home, generation, endpoint, container, { version })), copyAtRest }
    const other = await imageOf(home.recipe, home.title, imageName(home.recipe, programsOf, undefined))
    return awakeTarget(home, generation, endpoint, container, { version, image: other.name })
  }

  async function held(): Promise<Held> {
    const { keeps } = home.recipe.container
    if (keeps === null) {
      throw new HayaiError('WRONG_STATE', `the data of ${home.title} cannot be exchanged in the container ${container} of others`, {
        hint: 'Restore into a database beside it: --to NAME.',
      })
    }
    const seen = await mustSee()
    if (!(await answers(seen))) {
      const keeping = await rememberedKeeping(home)
      if (keeping !== undefined) return heldIn(home, container, seen, keeping)
    }
    return heldIn(home, container, seen, await keeps.ask(endpointOf(await mustAnswer())))
  }

  async function answers(seen: Seen): Promise<boolean> {
    try {
      if (seen.running) await home.recipe.answers(endpointOf(seen))
      return seen.running
    } catch {
      return false
    }
  }

  /** For the day on which it does not answer. Why it cannot be told is heard by whoever wants to know it then. */
  async function remember(): Promise<void> {
    try {
      await rememberKeeping(home, (await held()).keeping)
    } catch (error) {
      if (!(error instanceof HayaiError)) throw error
    }
  }

  const others: Others = {
    home,
    container,
    start: () => start(new AbortController().signal),
    async stop() {
      const seen = await see(container)
      // One that does not answer has nothing to be told: it may be in no state to start.
      if (seen !== undefined && (await answers(seen))) await home.recipe.container.keeps?.beforeEnd(endpointOf(seen))
      await stop()
    },
    async tables() {
      const target = await open()
      try {
        return new Set(Object.keys((await inspect(target)).census.tables))
      } finally {
        await target.close()
      }
    },
  }

  const copyAtRest: Target['copyAtRest'] = async () => {
    throw new HayaiError(
      'ENVIRONMENT',
      `a copy of ${home.title} wants its server at rest, and Hayai does not stop the container ${container} of others`,
      {
        hint: `Make it with Hayai (hayai init -n NAME --runtime compose), and bring the data there.`,
      },
    )
  }

  return {
    path: `docker:${container}`,

    proof: () => Promise.resolve(undefined), // how its clients are let in is its maker's affair

    container: () => Promise.resolve(container),

    async image() {
      const seen = await see(container)
      return seen === undefined ? undefined : recordOf(seen.image, seen.imageId)
    },

    async interrupts() {
      await held()
      return { container }
    },

    async status() {
      try {
        const seen = await see(container)
        if (seen === undefined) return 'missing'
        if (!seen.running) return 'stopped'
        if (seen.stuck || seen.health === 'unhealthy') return 'unhealthy'
        await home.recipe.answers(endpointOf(seen))
        return 'running'
      } catch (error) {
        return isCode(error, 'ENVIRONMENT') ? 'unreachable' : 'unhealthy'
      }
    },

    async create() {
      const seen = await mustSee()
      await untilAnswers(home, container, endpointOf(seen), new AbortController().signal)
      const version = home.recipe.versionOf(await ask(['exec', container, home.recipe.server, '--version']))
      await writeLedger(dataDir, grown(undefined, FIRST, { origin: 'adopted', version, at: new Date() }))
      await remember()
    },

    start,

    stop,

    retire: () => Promise.resolve(), // others go on using it

    open,

    async twin() {
      const there = await held()
      await rememberKeeping(home, there.keeping)
      const { placement } = home
      const alike: Home = { ...home, placement: { ...placement, container: { ...placement.container, image: there.image } } }
      const putIn: PutIn = async (before, next, counted) => {
        if (before === undefined) throw new Error('an adopted database has a ledger')
        const named = Object.entries(counted?.tables ?? {}).flatMap(([table, rows]) => (rows > 0 ? [table] : []))
        await switchContent(others, { before, next, held: await held(), named, fresh: true })
      }
      return makeTwin(alike, { putIn })
    },

    async generations() {
      return generationsOf(await readLedger(dataDir))
    },

    async switchTo(generation) {
      const before = await ledgerOf()
      const next = switched(before, generation, new Date())
      if (next === before) return generationOf(before, generation)
      await placeOf(home, generation)
      await switchContent(others, { before, next, held: await held(), named: [], fresh: false })
      return generationOf(next, generation)
    },

    async neighbour(step) {
      return neighbourIn(await readLedger(dataDir), step)
    },

    async drop(generation) {
      const next = dropped(await ledgerOf(), generation)
      await markUnfinished(dataDir, generation)
      home.at('drop announced')
      await writeLedger(dataDir, next)
      home.at('dropped')
      await deleteUnfinished(home, generation)
    },

    async recover() {
      await resumeSwitch(others)
      await sweep(home, await readLedger(dataDir))
      await sweepPartials(dataDir)
      await sweepPartials(runDir)
    },

    logs: (options, signal) => logsOf(home, container, options, signal),
  }
}

/** What killed commands were making or deleting. */
async function sweep(home: Home, ledger: Ledger | undefined): Promise<void> {
  const { dataDir } = home.placement
  for (const name of await generationFolders(dataDir)) {
    const owner = await ownerOfMark(dataDir, name)
    if (ledger?.live === name) await forgetPlace(home, name)
    else if (ledger?.entries[name] !== undefined) {
      if (owner === 'gone') await markFinished(dataDir, name)
    } else if (owner === 'gone') {
      await deleteUnfinished(home, name)
    } else if (owner === undefined) {
      await removeIfEmpty(generationFolder(home, name)) // killed before its mark was written
    }
  }
}
