// For whom a snapshot or a backup is encrypted: for whoever `.hayaidb` names, and whom the person names besides. What shall be
// encrypted and has no recipient is refused, and never written plain.

import { HayaiError, isCode } from '../base/errors.ts'
import { checkRecipient } from '../snapshots/age.ts'
import { configOf, type Context } from './context.ts'
import type { Encrypting } from './key-answers.ts'

/** None: it is not to be encrypted. */
export async function recipientsFor(context: Context, { encrypt, recipients = [] }: Encrypting): Promise<readonly string[]> {
  const backup = (await configOf(context))?.backup
  const always = backup?.encryption === true
  if (encrypt !== true && recipients.length === 0 && !always) return []
  const given = await Promise.all(recipients.map(checkRecipient))
  const declared = await Promise.all((backup?.recipients ?? []).map(checkDeclared))
  const all = [...new Set([...declared, ...given])]
  if (all.length > 0) return all
  throw new HayaiError(
    always ? 'CONFIG_INVALID' : 'USAGE',
    always ? '.hayaidb says `encryption: true`, and names no recipient' : 'there is no recipient to encrypt for',
    { hint: 'Make a key for this project with `hayai keys create`, or name a recipient with --recipient age1...' },
  )
}

async function checkDeclared(recipient: string): Promise<string> {
  try {
    return await checkRecipient(recipient)
  } catch (error) {
    if (!isCode(error, 'USAGE')) throw error
    throw new HayaiError('CONFIG_INVALID', `global.backup.recipients of .hayaidb: ${error.message}`, {
      hint: 'A recipient is "age1" and 58 letters and digits, the last six of which are a checksum.',
      cause: error,
    })
  }
}

/** For the lines of a plan. */
export function encryptedFor(recipients: readonly string[]): string {
  return recipients.length === 0 ? '' : `, encrypted for ${recipients.join(' and ')}`
}
