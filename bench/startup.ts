// How long it takes until Hayai has said something small, beside a Node that does nothing.

import { atMost, contest, type Line } from './measure.ts'
import { timed, type Stage } from './stage.ts'

const RUNS = 25

export async function measureStartup(stage: Stage): Promise<readonly Line[]> {
  const nothing = async () => (await timed(process.execPath, ['-e', '0'])).seconds
  const common = { runs: RUNS, other: nothing, digits: 3 }
  return [
    await contest({
      ...common,
      what: 'hayai --version | node -e 0',
      target: atMost(1.5),
      hayai: async () => (await stage.plain('--version')).seconds,
    }),
    await contest({ ...common, what: 'hayai list | node -e 0', target: atMost(3), hayai: async () => (await stage.plain('list')).seconds }),
  ]
}
