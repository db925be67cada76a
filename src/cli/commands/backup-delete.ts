// hayai backup delete, undelete and prune

import { HayaiError, type BackupDeleteAnswer, type BackupPruneAnswer, type BackupView } from '../../index.ts'
import { CHANGING } from '../arguments.ts'
import { command, given } from '../command.ts'
import { styleFor, type Style } from '../output.ts'
import { age, count, moment, place, size } from '../wording.ts'
import { BACKUPS_FOLDER } from './backup-views.ts'
import { policyOf, RULES } from './prune.ts'

const FLAGS = { ...BACKUPS_FOLDER, ...CHANGING } as const

export const backupDelete = command({
  about: 'Deletes backups. They can come back for a grace period, and take their room on the disk until then.',
  positionals: { refs: { brief: 'folders, their names, ids or the start of one', many: true, proposes: 'backups' } },
  flags: FLAGS,
  examples: { 'hayai backup delete 20260108_103045': 'one of them' },
  failures: ['USAGE', 'NOT_FOUND', 'CONFLICT', 'CORRUPT', 'LOCKED'],
  async run({ args, flags, session }) {
    const project = await session.open()
    const request = { references: named(args.refs), ...given({ folder: flags.directory }) }
    if (session.interactive && !flags.yes && !flags['dry-run']) {
      const { deleted, bytes } = await project.deleteBackups({ ...request, dryRun: true })
      const { agree } = await import('../questions.ts')
      await agree([...deleted.map(line), `Delete ${count(deleted.length, 'backup')} (${size(bytes)})?`].join('\n'), session)
    }
    const answer = await project.deleteBackups({ ...request, dryRun: flags['dry-run'] })
    return { data: answer, text: (style) => [...answer.deleted.map(line), ...sumLines(answer, style)].join('\n') }
  },
})

export const backupUndelete = command({
  about: 'Brings deleted backups back, as long as their grace period lasts.',
  positionals: { refs: { brief: 'what the deletion printed; or a name, an id or its start', many: true } },
  flags: FLAGS,
  examples: { 'hayai backup undelete 20260108_103045': 'by name' },
  failures: ['USAGE', 'NOT_FOUND', 'CONFLICT'],
  async run({ args, flags, session }) {
    const project = await session.open()
    const request = { references: named(args.refs), ...given({ folder: flags.directory }), dryRun: flags['dry-run'] }
    const answer = await project.undeleteBackups(request)
    const said = answer.dryRun ? 'would bring back' : 'back again:'
    return {
      data: answer,
      text: (style) =>
        [
          ...answer.returned.map((view) => `${style.good('✓')} ${said} ${line(view)}`),
          ...(answer.dryRun ? ['Nothing was changed.'] : []),
        ].join('\n'),
    }
  },
})

export const backupPrune = command({
  about:
    'Deletes old backups by rules, and says of each why it stays or goes. Whatever the rules say, it keeps the newest whole one, the newest ' +
    'that was proven by `verify`, and what is in use. What it deletes can come back for a grace period.',
  positionals: {},
  flags: { ...RULES, ...FLAGS },
  examples: {
    'hayai backup prune --keep-last 3 --daily 7 --weekly 4 --dry-run': 'see the verdicts',
    'hayai backup prune --within 14d -y': 'all of the last 14 days, for cron',
  },
  failures: ['USAGE', 'LOCKED', 'STORE_FAILED'],
  async run({ flags, session }) {
    const policy = policyOf(flags)
    const project = await session.open()
    const request = { policy, ...given({ folder: flags.directory }) }
    let seen = false
    if (session.interactive && !flags.yes && !flags['dry-run']) {
      const preview = await project.pruneBackups({ ...request, dryRun: true })
      const { agree } = await import('../questions.ts')
      const lines = verdictLines(preview, styleFor(process.stderr))
      const question = `Delete ${count(preview.deleted.length, 'backup')} (${size(preview.bytes)})?`
      if (preview.deleted.length > 0) {
        await agree([...lines, question].join('\n'), session)
        seen = true
      }
    }
    const answer = await project.pruneBackups({ ...request, dryRun: flags['dry-run'] })
    return { data: answer, text: (style) => [...(seen ? [] : verdictLines(answer, style)), ...sumLines(answer, style)].join('\n') }
  },
})

function named(references: readonly string[]): readonly string[] {
  if (references.length > 0) return references
  throw new HayaiError('USAGE', 'it needs to know which backups', { hint: 'Pick some from `hayai backup list`.' })
}

function line(view: BackupView): string {
  return `${view.name} ${view.id.slice(0, 8)} ${place(view.path)}${view.created === null ? '' : `, ${age(view.created)}`} (${size(view.bytes)})`
}

function sumLines({ deleted, bytes, undo, until, dryRun }: BackupDeleteAnswer, style: Style): readonly string[] {
  const sum = `${count(deleted.length, 'backup')} (${size(bytes)})`
  if (dryRun) return [`would delete ${sum}`, 'Nothing was changed.']
  if (deleted.length === 0) return ['Nothing to delete.']
  return [`${style.good('✓')} deleted ${sum}`, `  bring back: ${undo ?? ''}${until === null ? '' : ` (until ${moment(until)})`}`]
}

function verdictLines({ verdicts }: BackupPruneAnswer, style: Style): readonly string[] {
  if (verdicts.length === 0) return ['There are no backups here.']
  return verdicts.map(
    ({ backup, keep, reasons }) => `  ${keep ? style.good('keep  ') : style.bad('delete')}  ${line(backup)}: ${reasons.join('; ')}`,
  )
}
