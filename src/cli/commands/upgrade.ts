// hayai upgrade

import { HayaiError, type UpgradeAnswer } from '../../index.ts'
import { CHANGING } from '../arguments.ts'
import { command } from '../command.ts'
import type { Style } from '../output.ts'
import { contents, duration } from '../wording.ts'

export const upgrade = command({
  about:
    'Fills a new database of the newer version with what the running one holds, by the newer programs, counts it, and only then puts ' +
    'it in place. The older data is kept, and `hayai undo` goes back to it and to its server. What programs write while it is being ' +
    'copied stays in the older data: stop them first.',
  positionals: { name: { brief: 'the database', proposes: 'databases' } },
  flags: {
    version: { kind: 'text', value: 'VERSION', brief: 'The version to come to, such as 17' },
    ...CHANGING,
  },
  examples: {
    'hayai upgrade mydb --version 17': 'with the programs of version 17, which must be installed',
    'hayai upgrade mydb --version 17 --dry-run': 'the plan, and whether the programs are there',
    'hayai undo mydb': 'back to the older version',
  },
  failures: ['USAGE', 'CONFLICT', 'WRONG_STATE', 'ENVIRONMENT', 'TOOL_FAILED'],
  async run({ args, flags, session }) {
    const { version } = flags
    if (version === undefined)
      throw new HayaiError('USAGE', 'hayai upgrade needs to know to which version', {
        hint: `Write \`hayai upgrade ${args.name} --version 17\`.`,
      })
    const project = await session.open()
    const request = { database: args.name, version }
    if (session.interactive && !flags.yes && !flags['dry-run']) {
      const { changed, from, to } = await project.upgrade({ ...request, dryRun: true }, session.watch)
      const { agree } = await import('../questions.ts')
      if (changed) await agree(`Bring "${args.name}" from ${from} to ${to}? Its data is kept, and \`hayai undo\` goes back to it.`, session)
    }
    const answer = await project.upgrade({ ...request, dryRun: flags['dry-run'] }, session.watch)
    return { data: answer, text: (style) => upgradeText(answer, style) }
  },
})

function upgradeText(
  { database, engine, from, to, changed, plan, census, notes, undo, seconds, dryRun }: UpgradeAnswer,
  style: Style,
): string {
  if (!changed) return `${style.bold(database)} is of version ${from} already: nothing to do.`
  if (dryRun) return [style.bold('plan'), ...plan.map((step, index) => `  ${index + 1}. ${step}`), 'Nothing was changed.'].join('\n')
  return [
    `${style.good('✓')} ${style.bold(database)} is of version ${to} now, no longer ${from} (${duration(seconds)})`,
    ...(census === null ? [] : [`  ${contents(census, engine)}, counted`]),
    ...notes.map((note) => `  note: ${note}`),
    ...(undo === null ? [] : [`  take it back: ${undo}`]),
  ].join('\n')
}
