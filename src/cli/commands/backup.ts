// hayai backup, and the way to its subcommands.

import type { BackupAnswer } from '../../index.ts'
import { CHANGING } from '../arguments.ts'
import { command, given } from '../command.ts'
import type { Style } from '../output.ts'
import { count, duration, place, size } from '../wording.ts'
import { ENCRYPTING, encryptingOf } from './encrypting.ts'
import { databaseLines, namesIn, ONLY } from './backup-views.ts'

export const backup = command({
  about:
    'Saves every database of the project at one moment: all are held at the same point before a byte is written. Beside them come ' +
    'logs and configuration, without secrets. It makes a folder of its own, and gives it its name when all of it is there: if one database ' +
    'fails, there is no backup.',
  positionals: {},
  flags: {
    ...ONLY,
    comment: { kind: 'text', value: 'TEXT', brief: 'A note to be kept with it', mayBeEmpty: true },
    output: {
      kind: 'text',
      short: 'o',
      value: 'DIR',
      brief: 'The folder in which it gets its own; ./backups of the project when not given',
      proposes: 'folders',
    },
    'keep-going': { kind: 'switch', brief: 'Leave out a database that fails; the backup then says everywhere that it is partial' },
    ...ENCRYPTING,
    ...CHANGING,
  },
  examples: {
    'hayai backup': 'all databases, to backups/<time>/',
    'hayai backup --only shop,cache --comment "before the move"': 'some of them',
    'hayai backup -o /mnt/backups': 'on another disk',
    'hayai backup list': 'what there is',
    'hayai backup restore --latest': 'all of it back',
  },
  failures: ['NOT_FOUND', 'WRONG_STATE', 'LOCKED', 'TOOL_FAILED', 'STORE_FAILED'],
  subcommands: {
    list: { brief: 'List the backups', load: async () => (await import('./backup-list.ts')).backupList },
    show: { brief: 'Show everything about one backup', load: async () => (await import('./backup-show.ts')).backupShow },
    status: { brief: 'How far the project is covered by backups', load: async () => (await import('./backup-show.ts')).backupStatus },
    verify: { brief: 'Prove that all of a backup can be restored', load: async () => (await import('./backup-verify.ts')).backupVerify },
    delete: { brief: 'Delete backups; undelete brings them back', load: async () => (await import('./backup-delete.ts')).backupDelete },
    undelete: { brief: 'Bring deleted backups back', load: async () => (await import('./backup-delete.ts')).backupUndelete },
    prune: { brief: 'Delete old backups by rules', load: async () => (await import('./backup-delete.ts')).backupPrune },
    restore: { brief: 'Bring all of a backup back, or nothing', load: async () => (await import('./backup-restore.ts')).backupRestore },
  },
  async run({ flags, session }) {
    const project = await session.open()
    const { comment, output } = flags
    const request = {
      ...given({ comment, output }),
      databases: namesIn(flags.only),
      keepGoing: flags['keep-going'],
      ...encryptingOf(flags),
      language: languageOf(process.env),
      dryRun: flags['dry-run'],
    }
    const answer = await project.backup(request, session.watch)
    return { data: answer, text: (style) => backupText(answer, style) }
  },
})

/** Portuguese where the locale is; the first variable that is set counts, as everywhere. */
function languageOf({ LC_ALL, LC_MESSAGES, LANG }: NodeJS.ProcessEnv): 'en' | 'pt' {
  return /^pt([_.@-]|$)/i.test(LC_ALL || LC_MESSAGES || LANG || '') ? 'pt' : 'en'
}

function backupText({ backup: made, notes, plan, seconds }: BackupAnswer, style: Style): string {
  if (made === null) return [...plan.map((step) => `would ${step}`), 'Nothing was changed.'].join('\n')
  const { path, bytes, databases, distance, missing, name } = made
  const what = missing.length === 0 ? `${style.good('✓')} backup` : `${style.bad('!')} PARTIAL backup`
  const lines = [
    `${what} of ${count(databases.length, 'database')}: ${place(path)} (${size(bytes)}, ${duration(seconds)})`,
    ...databaseLines(made, style),
    ...(databases.length > 1 ? [`  all of one moment: no two are more than ${distance} ms apart`] : []),
    ...notes.map((note) => `  ${style.warn('note:')} ${note}`),
    `  restore: hayai backup restore ${name}`,
  ]
  return lines.join('\n')
}
