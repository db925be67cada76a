// hayai keys create

import { HayaiError, type CreateKeyAnswer } from '../../index.ts'
import { CHANGING } from '../arguments.ts'
import { command, given } from '../command.ts'
import type { Style } from '../output.ts'
import { place } from '../wording.ts'

export const keysCreate = command({
  about:
    'Makes an identity of age, keeps it outside of the project for you alone, and adds its recipient to .hayaidb. The recovery sheet holds ' +
    'the secret key: print it, and keep it where the backups are not. It is written to the file you name, or else shown once.',
  positionals: {},
  flags: {
    sheet: { kind: 'text', value: 'FILE', brief: 'The file for the recovery sheet, outside of the project', proposes: 'files' },
    passphrase: {
      kind: 'switch',
      brief: 'Keep the identity under a passphrase, asked for, or from HAYAI_PASSPHRASE or HAYAI_PASSPHRASE_FILE',
    },
    ...CHANGING,
  },
  examples: {
    'hayai keys create --sheet ~/recovery.txt': 'then print the sheet, and delete it',
    'hayai keys create --passphrase': 'the sheet is shown, and a passphrase asked for',
  },
  failures: ['NOT_FOUND', 'CONFLICT', 'STORE_FAILED'],
  async run({ flags, session }) {
    if (session.json && flags.sheet === undefined && !flags['dry-run']) {
      throw new HayaiError('USAGE', 'with --json there is nobody to show the recovery sheet to', {
        hint: 'Name a file for it: --sheet FILE.',
      })
    }
    const project = await session.open()
    const request = { ...given({ sheet: flags.sheet }), passphrase: flags.passphrase, dryRun: flags['dry-run'] }
    const answer = await project.createKey(request)
    return { data: answer, text: (style) => createText(answer, style) }
  },
})

function createText({ recipient, identity, sheet, shown, plan, dryRun }: CreateKeyAnswer, style: Style): string {
  if (dryRun || recipient === null || identity === null) return [...plan.map((step) => `would ${step}`), 'Nothing was changed.'].join('\n')
  return [
    ...(shown === null ? [] : [shown.reveal()]),
    `${style.good('✓')} new key: ${style.bold(recipient)}, named in .hayaidb`,
    `  identity: ${place(identity)}`,
    ...(sheet === null
      ? ['  The recovery sheet above is not shown again: print it.']
      : [`  recovery sheet: ${place(sheet)}: print it, and delete it`]),
    '  encrypt: hayai snapshot NAME --encrypt; or every one, with `encryption: true` under global.backup of .hayaidb',
  ].join('\n')
}
