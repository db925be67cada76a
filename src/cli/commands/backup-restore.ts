// hayai backup restore

import { HayaiError, type BackupRestoreAnswer } from '../../index.ts'
import { CHANGING } from '../arguments.ts'
import { command, given } from '../command.ts'
import type { Style } from '../output.ts'
import { age, count, duration, place, totals, stopping } from '../wording.ts'
import { BACKUPS_FOLDER, namesIn, ONLY } from './backup-views.ts'
import { checkLines } from './checks.ts'

export const backupRestore = command({
  about:
    'Brings every database of a backup back, or none. All of it is checked first; an empty twin of each database is filled and counted; then ' +
    'all are switched. The data before is kept, and `hayai undo --all` goes back to it. A database that is not there is made, and in an ' +
    'empty folder the whole project is, with new passwords.',
  positionals: {
    ref: { brief: 'a folder, its name, an id or the start of one', optional: true, proposes: 'backups' },
  },
  flags: {
    latest: { kind: 'switch', brief: 'The newest whole one' },
    ...ONLY,
    ...BACKUPS_FOLDER,
    ...CHANGING,
  },
  examples: {
    'hayai backup restore --latest': 'the newest whole one',
    'hayai backup restore backups/20260108_103045': 'by its folder',
    'hayai backup restore 20260108_103045 --only shop': 'one database of it',
    'hayai backup restore /mnt/20260108_103045 -y': 'in an empty folder: the project, its databases, their data',
  },
  failures: ['NOT_FOUND', 'CONFLICT', 'CORRUPT', 'ENVIRONMENT', 'TOOL_FAILED', 'STORE_FAILED'],
  async run({ args, flags, session }) {
    if ((args.ref === undefined) !== flags.latest) {
      throw new HayaiError(
        'USAGE',
        flags.latest ? 'a backup is named, or it is --latest' : 'hayai backup restore needs to know which backup',
        {
          hint: 'Write `hayai backup restore --latest`, or pick one from `hayai backup list`.',
        },
      )
    }
    const project = await session.open({ create: true })
    const request = { ...given({ reference: args.ref, folder: flags.directory }), databases: namesIn(flags.only) }
    if (session.interactive && !flags.yes && !flags['dry-run']) {
      const preview = await project.restoreBackup({ ...request, dryRun: true }, session.watch)
      const { agree } = await import('../questions.ts')
      await agree(question(preview), session)
    }
    const stopContainer = session.interactive || flags.yes
    const answer = await project.restoreBackup({ ...request, dryRun: flags['dry-run'], stopContainer }, session.watch)
    return { data: answer, text: (style) => restoreText(answer, style) }
  },
})

function question({ backup, databases, containers }: BackupRestoreAnswer): string {
  const names = databases.map(({ database }) => database).join(', ')
  const when = backup.created === null ? '' : ` (${age(backup.created)})`
  return `Restore ${names} from ${place(backup.path)}${when}? What they hold now is kept, and \`hayai undo --all\` brings it back.${containers.map(stopping).join('')}`
}

function restoreText(answer: BackupRestoreAnswer, style: Style): string {
  const { backup, databases, declared, plan, notes, undo, seconds, dryRun } = answer
  const noted = notes.map((note) => `  ${style.warn('note:')} ${note}`)
  if (dryRun) {
    const steps = plan.map((step, index) => `  ${index + 1}. ${step}`)
    const checks = databases.flatMap(({ database, checks: each }) => [style.bold(database), ...checkLines(each, style)])
    return [style.bold('plan'), ...steps, ...checks, ...noted, 'Nothing was changed.'].join('\n')
  }
  const lines = [
    `${style.good('✓')} restored ${count(databases.length, 'database')} from ${place(backup.path)} (${duration(seconds)})`,
    ...(declared ? ['  .hayaidb is there as it was, without passwords'] : []),
    ...databases.map(
      (each) => `  ${style.bold(each.database)}${each.made ? ', new' : ''}: ${totals(each)}, as counted when the backup was made`,
    ),
    ...noted,
  ]
  if (undo !== null) lines.push(`  take it back: ${undo}`)
  return lines.join('\n')
}
