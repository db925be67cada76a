// hayai redo

import { CHANGING } from '../arguments.ts'
import { command } from '../command.ts'
import { ALL, allAnswer, CHANGED, refuseBoth, stepAnswer } from './step.ts'

export const redo = command({
  about: 'Takes back the last undo: the data that it put aside is live again, or the tables or keys that it took out are there again.',
  positionals: CHANGED,
  flags: { ...ALL, ...CHANGING },
  examples: { 'hayai redo mydb': 'one step forward', 'hayai redo --all': 'the last restore of a backup, again' },
  failures: ['WRONG_STATE', 'NOT_FOUND', 'CONFLICT', 'LOCKED'],
  async run({ args, flags, session }) {
    refuseBoth(args.name, flags.all)
    const project = await session.open()
    if (flags.all) return allAnswer(await project.redoAll({ dryRun: flags['dry-run'] }, session.watch))
    return stepAnswer(await project.redo(args.name, { dryRun: flags['dry-run'] }, session.watch))
  },
})
