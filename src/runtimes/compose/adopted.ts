// A database in a container that Hayai did not make: it is started, stopped, asked and dumped, and never replaced. Its volume is
// another's to change, so a restore goes into a database beside it.

import { HayaiError, isCode, messageOf } from '../../base/errors.ts'
import { sweepPartials } from '../../base/files.ts'
import type { Endpoint, Target } from '../../engines/engine.ts'
import { generationOf, generationsOf, grown, readLedger, writeLedger } from '../generations.ts'
import type { Site } from '../runtime.ts'
import { ask } from './docker.ts'
import { called, endpointAt, type Home } from './home.ts'
import { imageName, imageOf } from './image.ts'
import { see, type Seen } from './inspect.ts'
import { logsOf } from './logs.ts'
import { untilAnswers } from './readiness.ts'
import { awakeTarget } from './target.ts'

export function adoptedSite(home: Home, container: string): Site {
  const { dataDir, runDir, name } = home.placement
  const LIVE = 'g0001'

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

  function replaced(): HayaiError {
    return new HayaiError(
      'WRONG_STATE',
      `${called(home)} is in the container ${container}, which Hayai did not make and does not replace`,
      {
        hint: `Restore into a database beside it, with --to NAME.`,
      },
    )
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
      await writeLedger(dataDir, grown(undefined, LIVE, { origin: 'adopted', version, at: new Date() }))
    },

    async start(signal) {
      if (!(await mustSee()).running) await ask(['start', container], { signal })
      await untilAnswers(home, container, endpointOf(await mustSee()), signal)
    },

    async stop() {
      if ((await see(container))?.running === true) await ask(['stop', container])
    },

    retire: () => Promise.resolve(), // others go on using it

    async open(programsOf) {
      const seen = await mustSee()
      if (!seen.running) throw new HayaiError('WRONG_STATE', `${called(home)} must be running`, { hint: `hayai start ${name}` })
      const endpoint = endpointOf(seen)
      try {
        await home.recipe.answers(endpoint)
      } catch (cause) {
        throw new HayaiError('WRONG_STATE', `${called(home)} must be running, but its server does not answer: ${messageOf(cause)}`, {
          hint: `docker logs ${container}`,
          cause,
        })
      }
      const version = (await readLedger(dataDir))?.entries[LIVE]?.version ?? null
      if (programsOf === undefined) return { ...(await awakeTarget(home, LIVE, endpoint, container, { version })), copyAtRest }
      const other = await imageOf(home.recipe, home.title, imageName(home.recipe, programsOf, undefined))
      return awakeTarget(home, LIVE, endpoint, container, { version, image: other.name })
    },

    twin: () => Promise.reject(replaced()),

    async generations() {
      return generationsOf(await readLedger(dataDir))
    },

    async switchTo(generation) {
      const ledger = await readLedger(dataDir)
      if (ledger === undefined || generation !== ledger.live) throw replaced()
      return generationOf(ledger, generation)
    },

    neighbour: () => Promise.resolve(undefined),

    drop: () => Promise.reject(replaced()),

    async recover() {
      await sweepPartials(dataDir)
      await sweepPartials(runDir)
    },

    logs: (options, signal) => logsOf(home, container, options, signal),
  }
}
