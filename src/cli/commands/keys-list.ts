// hayai keys list

import type { IdentityView } from '../../index.ts'
import { command } from '../command.ts'
import { table } from '../wording.ts'

export const keysList = command({
  about:
    'Lists the identities that this machine keeps, of whatever project: those in ~/.config/hayai/identities, or the one file that ' +
    'HAYAI_IDENTITY names. No secret is shown.',
  positionals: {},
  flags: {},
  examples: { 'hayai keys list': 'what can be opened here' },
  failures: ['WRONG_STATE'],
  async run({ session }) {
    const found = await (await session.open()).identities()
    const row = ({ recipient, file, passphrase }: IdentityView) => [recipient ?? '?', passphrase ? 'with a passphrase' : '', file]
    return {
      data: found,
      text: (style) =>
        found.length === 0
          ? 'No identity is kept on this machine. Make one: hayai keys create'
          : table(['RECIPIENT', '', 'FILE'], found.map(row), style),
    }
  },
})
