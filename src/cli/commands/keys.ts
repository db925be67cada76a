// hayai keys, and the way to its subcommands: for whom this project encrypts, and whether it can be read here.

import type { KeysAnswer } from '../../index.ts'
import { command } from '../command.ts'
import type { Style } from '../output.ts'
import { place } from '../wording.ts'

const ABOUT =
  'Encrypted snapshots and backups are files of age (age-encryption.org), which the stock `age -d` opens too. The recipients, for which is ' +
  'encrypted, are public and stand in .hayaidb; the identity, which opens, is secret and kept outside of the project. A machine that only ' +
  'writes needs no identity.'

const definition = {
  about: ABOUT,
  positionals: {},
  flags: {},
  examples: {
    'hayai keys create --sheet ~/recovery.txt': 'a key for this project, and a page to print',
    'hayai keys show': 'for whom this project encrypts',
    'hayai snapshot mydb --encrypt': 'an encrypted snapshot',
  },
  failures: ['NOT_FOUND', 'CONFIG_INVALID'],
} as const

export const keys = command({
  ...definition,
  subcommands: {
    create: { brief: 'Make a key for this project, with a page to print', load: async () => (await import('./keys-create.ts')).keysCreate },
    show: { brief: 'Show for whom this project encrypts', load: async () => keysShow },
    add: { brief: 'Encrypt for one more recipient', load: async () => (await import('./keys-add.ts')).keysAdd },
    list: { brief: 'List the identities on this machine', load: async () => (await import('./keys-list.ts')).keysList },
  },
  run: ({ session }) => session.open().then(async (project) => shown(await project.keys())),
})

const keysShow = command({ ...definition, run: ({ session }) => session.open().then(async (project) => shown(await project.keys())) })

function shown(answer: KeysAnswer) {
  return { data: answer, text: (style: Style) => keysText(answer, style) }
}

function keysText({ encryption, recipients }: KeysAnswer, style: Style): string {
  if (recipients.length === 0) return 'This project encrypts for nobody. Make a key: hayai keys create'
  const state = encryption
    ? 'Every snapshot and backup is encrypted, for:'
    : 'Encrypted with --encrypt, or always with `encryption: true` under global.backup of .hayaidb; for:'
  const lines = recipients.map(
    ({ recipient, identity }) => `  ${recipient}  ${style.dim(identity === null ? 'no identity here' : `opens with ${place(identity)}`)}`,
  )
  return [state, ...lines].join('\n')
}
