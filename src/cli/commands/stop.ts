// hayai stop

import { CHANGING } from '../arguments.ts'
import { command } from '../command.ts'
import { NAMES, powerAnswer } from './power.ts'

export const stop = command({
  about: 'Stops the servers in good order and returns when they are gone. Nothing is lost; a file has nothing to stop.',
  positionals: NAMES,
  flags: CHANGING,
  examples: { 'hayai stop mydb': 'one database', 'hayai stop': 'all of the project' },
  failures: ['NOT_FOUND', 'TOOL_FAILED'],
  async run({ args, flags, session }) {
    const project = await session.open()
    const views = await project.stop(args.name, { ...session.watch, dryRun: flags['dry-run'] })
    return powerAnswer(views, flags['dry-run'], 'stop')
  },
})
