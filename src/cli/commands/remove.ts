// hayai remove

import type { RemoveAnswer } from '../../index.ts'
import { CHANGING } from '../arguments.ts'
import { command } from '../command.ts'
import type { Style } from '../output.ts'
import { moment } from '../wording.ts'

export const remove = command({
  about:
    'Stops a database and takes it out of the project and of .hayaidb. Its data is put aside for a grace period, in which ' +
    '`hayai undo` brings all of it back. Its snapshots stay, and so does an adopted file.',
  positionals: { name: { brief: 'the database', proposes: 'databases' } },
  flags: {
    'keep-data': { kind: 'switch', brief: 'Leave the data where it is; a later init of that name takes it up again' },
    'missing-ok': { kind: 'switch', brief: 'It is fine when there is no such database' },
    ...CHANGING,
  },
  examples: {
    'hayai snapshot mydb && hayai remove mydb': 'with a snapshot before',
    'hayai remove mydb --dry-run': 'see what would happen',
  },
  failures: ['NOT_FOUND', 'LOCKED'],
  async run({ args, flags, session }) {
    const project = await session.open()
    const options = { keepData: flags['keep-data'], missingOk: flags['missing-ok'] }
    if (session.interactive && !flags.yes && !flags['dry-run']) {
      const preview = await project.remove(args.name, { ...options, dryRun: true })
      const { agree } = await import('../questions.ts')
      if (preview.removed !== null) await agree(`Remove "${preview.removed}"?${back(preview)}`, session)
    }
    const answer = await project.remove(args.name, { ...options, dryRun: flags['dry-run'] })
    return { data: answer, text: (style) => removeText(answer, args.name, style) }
  },
})

function back({ undo, until }: RemoveAnswer): string {
  return undo === null ? '' : ` \`${undo}\` brings it back${until === null ? '' : `, until ${moment(until)}`}.`
}

function removeText(answer: RemoveAnswer, name: string, style: Style): string {
  if (answer.removed === null) return `There is no "${name}": nothing to remove.`
  const lines = [answer.dryRun ? `would remove ${style.bold(name)}` : `${style.good('✓')} removed ${style.bold(name)}`]
  if (answer.dataKept) lines.push('  its data stays where it is')
  if (answer.undo !== null) lines.push(`  bring it back: ${answer.undo}${answer.until === null ? '' : ` (until ${moment(answer.until)})`}`)
  if (answer.dryRun) lines.push('Nothing was changed.')
  return lines.join('\n')
}
