// The identities that this machine can open, asked for when something encrypted is to be read: those that fit first, a passphrase
// only when one is needed, and each once.

import { readFile } from 'node:fs/promises'
import { HayaiError } from '../../base/errors.ts'
import { Secret } from '../../base/secret.ts'
import { identitiesFolder, identitiesIn, identityFiles, readIdentityFile, type IdentityFile } from '../../project/identities.ts'
import { isAge, recipientOf, unlockWith, type Keyring } from '../../snapshots/age.ts'

/** Asks a person for a passphrase; `about` says of what. Only where there is one to ask. */
export type AskPassphrase = (about: string) => Promise<Secret>

export function keyringOf(ask: AskPassphrase | undefined): Keyring {
  const opened = new Map<string, readonly Secret[]>()
  async function open({ file }: IdentityFile): Promise<readonly Secret[]> {
    const known = opened.get(file)
    if (known !== undefined) return known
    const found = await openFile(file, ask)
    opened.set(file, found)
    return found
  }
  return {
    async identities(recipients) {
      const files = await identityFiles()
      const fitting = files.filter(({ recipient }) => recipients === undefined || recipient === undefined || recipients.includes(recipient))
      const found: Secret[] = []
      for (const file of named(fitting)) {
        for (const identity of await open(file)) {
          if (recipients === undefined || recipients.includes(await recipientOf(identity))) found.push(identity)
        }
        if (recipients !== undefined && found.length > 0) return found
      }
      if (found.length > 0) return found
      throw missing(recipients)
    },
  }
}

/** Those whose names say that they fit, first: others may ask for a passphrase for nothing. */
function named(files: readonly IdentityFile[]): readonly IdentityFile[] {
  return [...files.filter(({ recipient }) => recipient !== undefined), ...files.filter(({ recipient }) => recipient === undefined)]
}

function missing(recipients: readonly string[] | undefined): HayaiError {
  const place = `${identitiesFolder()}/, with mode 0600, or name it in HAYAI_IDENTITY`
  if (recipients === undefined) {
    return new HayaiError('NOT_FOUND', 'the file is encrypted, and there is no identity on this machine', {
      hint: `Put the file with its identity (a secret key of age) into ${place}.`,
    })
  }
  return new HayaiError(
    'NOT_FOUND',
    `it is encrypted for ${recipients.join(' and ')}, and there is no identity of ${recipients.length === 1 ? 'it' : 'them'} on this machine`,
    {
      hint: `Put the file with the identity, or the secret key from the recovery sheet in a file, into ${place}.`,
      details: { recipients },
    },
  )
}

async function openFile(file: string, ask: AskPassphrase | undefined): Promise<readonly Secret[]> {
  const content = await readIdentityFile(file)
  if (!isAge(content)) return keysIn(new Secret(content.toString('utf8')), file)
  const text = await unlockWith(await passphraseFor(`the identity ${file}`, ask), content)
  if (text !== undefined) return keysIn(text, file)
  throw new HayaiError('CONFLICT', `the passphrase does not open the identity ${file}`, { hint: 'Try again.' })
}

// What was read is not quoted: it is a secret.
function keysIn(text: Secret, file: string): readonly Secret[] {
  const identities = identitiesIn(text)
  if (identities !== undefined) return identities
  throw new HayaiError('CORRUPT', `${file} is no identity file: every line of it must be a comment or "AGE-SECRET-KEY-1" and the key`, {
    hint: 'Put back a good copy, or write the secret key from the recovery sheet into it.',
  })
}

/** HAYAI_PASSPHRASE, the first line of HAYAI_PASSPHRASE_FILE, or what a person types. */
export async function passphraseFor(about: string, ask: AskPassphrase | undefined): Promise<Secret> {
  const { HAYAI_PASSPHRASE: given, HAYAI_PASSPHRASE_FILE: file } = process.env
  if (given !== undefined && given !== '') return new Secret(given)
  if (file !== undefined && file !== '') {
    const [line = ''] = (await readFile(file, 'utf8').catch((cause: unknown) => unreadable(file, cause))).split(/\r?\n/)
    if (line !== '') return new Secret(line)
  }
  if (ask !== undefined) return ask(about)
  throw new HayaiError('NOT_FOUND', `${about} wants a passphrase, and there is nobody to ask`, {
    hint: 'Put it into HAYAI_PASSPHRASE, or into a file that HAYAI_PASSPHRASE_FILE names.',
  })
}

function unreadable(file: string, cause: unknown): never {
  throw new HayaiError('NOT_FOUND', `${file}, which HAYAI_PASSPHRASE_FILE names, cannot be read`, { hint: 'Name another file.', cause })
}
