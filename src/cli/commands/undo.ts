// hayai undo

import { HayaiError } from '../../index.ts'
import { CHANGING } from '../arguments.ts'
import { command } from '../command.ts'
import { ALL, allAnswer, allText, CHANGED, refuseBoth, stepAnswer, stepText } from './step.ts'

export const undo = command({
  about:
    'Makes the data that was live before the last restore live again, or brings a removed database back. Of a restore of single tables or keys it takes back only these; when they were written to since, it refuses. Without a name it also brings back snapshots, when deleting them was what was done last. Again and again: each ' +
    'undo goes one step further back, and `hayai redo` goes forward.',
  positionals: CHANGED,
  flags: {
    ...ALL,
    force: { kind: 'switch', brief: 'Also tables or keys that were written to since; a snapshot is taken before' },
    ...CHANGING,
  },
  examples: {
    'hayai undo': 'whatever was done last',
    'hayai undo mydb': 'the last step of one database',
    'hayai undo mydb --force': 'tables of a partial restore, whatever was written to them since',
    'hayai undo --all': 'the last restore of a backup',
  },
  failures: ['WRONG_STATE', 'NOT_FOUND', 'CONFLICT', 'LOCKED'],
  async run({ args, flags, session }) {
    refuseBoth(args.name, flags.all)
    if (flags.all && flags.force) {
      throw new HayaiError('USAGE', '--force is for the tables or keys of one database, and --all for whole databases', {
        hint: 'Leave one of them out.',
      })
    }
    const project = await session.open()
    if (flags.all) {
      if (session.interactive && !flags.yes && !flags['dry-run']) {
        const { agree } = await import('../questions.ts')
        await agree(`${allText(await project.undoAll({ dryRun: true }, session.watch))}?`, session)
      }
      return allAnswer(await project.undoAll({ dryRun: flags['dry-run'] }, session.watch))
    }
    if (session.interactive && !flags.yes && !flags['dry-run']) {
      const preview = await project.undo(args.name, { dryRun: true }, session.watch)
      const { agree } = await import('../questions.ts')
      await agree(`${stepText(preview)}?`, session)
    }
    return stepAnswer(await project.undo(args.name, { dryRun: flags['dry-run'], force: flags.force }, session.watch))
  },
})
