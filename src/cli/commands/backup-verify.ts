// hayai backup verify

import { HayaiError, type BackupVerifyAnswer } from '../../index.ts'
import { command, given } from '../command.ts'
import type { Style } from '../output.ts'
import { duration, place } from '../wording.ts'
import { BACKUP, BACKUPS_FOLDER } from './backup-views.ts'
import { checkLines } from './checks.ts'

export const backupVerify = command({
  about:
    'Reads every file of a backup and compares it with what was written; restores every database of it into an empty one beside the ' +
    'live one, counts it, and throws that away. The verdict is kept with the backup, and a failed one is exit status 9.',
  positionals: BACKUP,
  flags: BACKUPS_FOLDER,
  examples: { 'hayai backup verify': 'the newest whole one', 'hayai backup verify /mnt/20260108_103045': 'by its folder' },
  failures: ['NOT_FOUND', 'CORRUPT', 'TOOL_FAILED'],
  async run({ args, flags, session }) {
    const project = await session.open({ create: true })
    const answer = await project.verifyBackup(given({ reference: args.ref, folder: flags.directory }), session.watch)
    if (!answer.ok) throw failed(answer)
    return { data: answer, text: (style) => verifyText(answer, style) }
  },
})

function failed({ backup, checks, warnings, seconds }: BackupVerifyAnswer): HayaiError {
  const reasons = checks.filter(({ ok }) => !ok).map(({ what, detail }) => `${what}: ${detail}`)
  return new HayaiError('CORRUPT', `${place(backup.path)} did not pass verification: ${reasons.join('; ')}`, {
    hint: 'Do not rely on it. `hayai backup list` shows the others.',
    details: { backup, checks, warnings, seconds },
  })
}

function verifyText({ backup, checks, warnings, seconds }: BackupVerifyAnswer, style: Style): string {
  return [
    `${style.good('✓')} ${place(backup.path)} can be restored (${duration(seconds)})`,
    ...checkLines(checks, style),
    ...warnings.map((warning) => `  ${style.warn('note:')} ${warning}`),
  ].join('\n')
}
