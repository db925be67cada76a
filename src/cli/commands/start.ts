// hayai start

import { CHANGING } from '../arguments.ts'
import { command } from '../command.ts'
import { NAMES, powerAnswer } from './power.ts'

export const start = command({
  about: 'Starts the servers and returns when each of them answers a query. One that runs already is left alone, and so is a file.',
  positionals: NAMES,
  flags: CHANGING,
  examples: { 'hayai start mydb': 'one database', 'hayai start': 'all of the project' },
  failures: ['NOT_FOUND', 'ENVIRONMENT', 'TOOL_FAILED'],
  async run({ args, flags, session }) {
    const project = await session.open()
    const views = await project.start(args.name, { ...session.watch, dryRun: flags['dry-run'] })
    return powerAnswer(views, flags['dry-run'], 'start')
  },
})
