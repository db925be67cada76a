// hayai redo

import { CHANGING } from '../arguments.ts'
import { command } from '../command.ts'
import { CHANGED, stepAnswer } from './step.ts'

export const redo = command({
  about: 'Takes back the last undo: the data that it put aside is live again.',
  positionals: CHANGED,
  flags: CHANGING,
  examples: { 'hayai redo mydb': 'one step forward' },
  failures: ['WRONG_STATE', 'NOT_FOUND', 'LOCKED'],
  async run({ args, flags, session }) {
    const project = await session.open()
    return stepAnswer(await project.redo(args.name, { dryRun: flags['dry-run'] }, session.watch))
  },
})
