// hayai diff

import { HayaiError } from '../../index.ts'
import { command, given } from '../command.ts'
import { diffText } from './diff-text.ts'

export const diff = command({
  about:
    'Tells what is different between two snapshots, or between a snapshot and the database as it is now: tables, columns, indexes ' +
    'and the like by name, and rows by table. A database alone is compared with its newest snapshot. Nothing is changed, and of two ' +
    'snapshots the database itself is not even asked. As many rows as before may still be other rows: --data compares them, ' +
    'by digests that the server makes. Of Redis they are made while others write, and each key holds its server up for a moment.',
  positionals: {
    before: { brief: 'a database, a snapshot as for restore, or NAME@latest', proposes: 'snapshots' },
    after: { brief: 'the same; the database as it is now when not given', optional: true, proposes: 'snapshots' },
  },
  flags: {
    data: { kind: 'switch', brief: 'Also compare the rows of tables with as many as before; snapshots are restored aside for it' },
    engine: { kind: 'text', value: 'ENGINE', brief: 'The engine of a file that has no manifest', proposes: 'engines' },
  },
  examples: {
    'hayai diff mydb': 'what has changed since the newest snapshot of mydb',
    'hayai diff 3f2a91c0 mydb@latest': 'two snapshots',
    'hayai diff 3f2a91c0 mydb-copy': 'a snapshot, and another database as it is now',
    'hayai diff mydb --data': 'also rows that were changed in their place',
  },
  failures: ['NOT_FOUND', 'CONFLICT', 'WRONG_STATE', 'TOOL_FAILED', 'CORRUPT'],
  async run({ args, flags, session }) {
    if (args.after !== undefined && args.after === args.before) {
      throw new HayaiError('USAGE', 'both sides are the same', { hint: `Write \`hayai diff ${args.before}\`, or name two.` })
    }
    const project = await session.open()
    const request = { before: args.before, data: flags.data, ...given({ after: args.after, engine: flags.engine }) }
    const answer = await project.diff(request, session.watch)
    return { data: answer, text: (style) => diffText(answer, style) }
  },
})
