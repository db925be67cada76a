// hayai backup show and status

import type { BackupStatus, BackupView } from '../../index.ts'
import { command, given } from '../command.ts'
import type { Style } from '../output.ts'
import { age, count, pairs, place, size } from '../wording.ts'
import { BACKUP, BACKUPS_FOLDER, databaseLines, stateOf } from './backup-views.ts'

export const backupShow = command({
  about: 'Shows everything that is known of one backup: the databases in it, of which moment each is, and what is wrong with its folder.',
  positionals: BACKUP,
  flags: BACKUPS_FOLDER,
  examples: { 'hayai backup show': 'the newest whole one', 'hayai backup show 20260108_103045': 'by name' },
  failures: ['NOT_FOUND', 'CONFLICT', 'CORRUPT'],
  async run({ args, flags, session }) {
    const project = await session.open({ create: true })
    const view = await project.showBackup(given({ reference: args.ref, folder: flags.directory }))
    return { data: view, text: (style) => showText(view, style) }
  },
})

function showText(view: BackupView, style: Style): string {
  const { id, name, path, project, created, bytes, comment, distance, databases, flaws, verified } = view
  const facts = pairs(
    [
      ['name', name],
      ['id', id],
      ['folder', place(path)],
      ['state', stateOf(view)],
      ['project', project],
      ['moment', created === null ? '' : `${created.replace('T', ' ').replace('Z', ' UTC')}, ${age(created)}`],
      ...(databases.length > 1 ? [['apart', `no two databases by more than ${distance} ms`] as const] : []),
      ['size', size(bytes)],
      ['verified', verified === null ? 'never' : `${verified.ok ? 'yes' : 'FAILED'}, ${age(verified.at)}: ${verified.detail}`],
      ...(comment === null ? [] : [['comment', comment] as const]),
    ],
    style,
  )
  return [facts, ...databaseLines(view, style), ...flaws.map((flaw) => `  ${style.bad('!')} ${flaw}`)].join('\n')
}

export const backupStatus = command({
  about: 'Shows the newest whole backup, which databases of the project are not in it, and what all backups take.',
  positionals: {},
  flags: BACKUPS_FOLDER,
  examples: { 'hayai backup status': 'those of the project' },
  failures: ['NOT_FOUND'],
  async run({ flags, session }) {
    const project = await session.open()
    const status = await project.backupStatus(given({ folder: flags.directory }))
    return { data: status, text: (style) => statusText(status, style) }
  },
})

function statusText({ folder, folders, newest, uncovered, whole, others, bytes }: BackupStatus, style: Style): string {
  const lines =
    newest === null
      ? [`There is no whole backup in ${place(folder)}.`, '  make one: hayai backup']
      : [
          `${style.good('✓')} newest whole backup: ${place(newest.path)}, ${newest.created === null ? '' : age(newest.created)} (${size(newest.bytes)})`,
          ...databaseLines(newest, style),
          newest.verified === null ? '  never verified: hayai backup verify' : `  verified ${age(newest.verified.at)}`,
        ]
  if (newest !== null && uncovered.length > 0) lines.push(`  ${style.bad('not in it')}: ${uncovered.join(', ')}`)
  lines.push(...others.map((view) => `  ${style.bad('!')} ${view.name} is ${stateOf(view)}`))
  lines.push(`${count(whole + others.length, 'backup')} in ${folders.map(place).join(', ')} (${size(bytes)})`)
  return lines.join('\n')
}
