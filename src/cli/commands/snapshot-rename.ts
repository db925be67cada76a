// hayai snapshot rename

import { CHANGING } from '../arguments.ts'
import { command } from '../command.ts'
import { REF, referenceOf, WHICH } from './references.ts'

export const snapshotRename = command({
  about:
    'Gives a snapshot another name: its data file, its manifest, and the lines in it that restore it by hand. Its id stays. It is ' +
    'there under the old name until it is there, whole, under the new one.',
  positionals: { ref: REF, name: { brief: 'the new name, with or without the ending of the file' } },
  flags: { ...WHICH, ...CHANGING },
  examples: {
    'hayai snapshot rename mydb --latest before-the-migration': 'becomes before-the-migration.sql, and its manifest',
    'hayai snapshot rename 3f2a91c0 v1.2': 'by id',
  },
  failures: ['NOT_FOUND', 'CONFLICT', 'LOCKED', 'STORE_FAILED'],
  async run({ args, flags, session }) {
    const project = await session.open()
    const answer = await project.renameSnapshot({ ...referenceOf(args.ref, flags), name: args.name, dryRun: flags['dry-run'] })
    const { from, to, dryRun } = answer
    return {
      data: answer,
      text: (style) =>
        dryRun ? `would rename ${from} to ${style.bold(to)}\nNothing was changed.` : `${style.good('✓')} ${from} is ${style.bold(to)} now`,
    }
  },
})
