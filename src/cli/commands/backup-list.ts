// hayai backup list

import type { BackupView } from '../../index.ts'
import { command, given } from '../command.ts'
import type { Style } from '../output.ts'
import { age, place, size, table } from '../wording.ts'
import { BACKUPS_FOLDER, stateOf } from './backup-views.ts'

export const backupList = command({
  about: 'Lists the backups, the newest first, and what a look at each folder tells. `hayai backup verify` reads every byte of one.',
  positionals: {},
  flags: BACKUPS_FOLDER,
  examples: { 'hayai backup list': 'those of the project', 'hayai backup list -d /mnt/backups': 'those of another folder' },
  failures: ['NOT_FOUND'],
  async run({ flags, session }) {
    const project = await session.open(given({ create: flags.directory === undefined ? undefined : true }))
    const views = await project.backups(given({ folder: flags.directory }))
    return { data: views, text: (style) => listText(views, style) }
  },
})

function listText(views: readonly BackupView[], style: Style): string {
  if (views.length === 0) return 'There are no backups yet.\n  make one: hayai backup'
  const rows = views.map((view) => [
    view.name,
    view.id.slice(0, 8) || '-',
    stateOf(view),
    view.databases.map(({ database }) => database).join(' '),
    view.id === '' ? '' : size(view.bytes),
    view.created === null ? '' : age(view.created),
    view.verified === null ? 'never' : view.verified.ok ? `yes, ${age(view.verified.at)}` : `FAILED, ${age(view.verified.at)}`,
    (view.comment ?? '').replaceAll(/\s+/g, ' '),
    place(view.path),
  ])
  return table(['NAME', 'ID', 'STATE', 'DATABASES', 'SIZE', 'AGE', 'VERIFIED', 'COMMENT', 'FOLDER'], rows, style)
}
