// hayai backup show

import type { BackupView } from '../../index.ts'
import { command, given } from '../command.ts'
import type { Style } from '../output.ts'
import { age, pairs, place, size } from '../wording.ts'
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

export function showText(view: BackupView, style: Style): string {
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
