// The flags of what can be encrypted.

import type { Flags } from '../arguments.ts'

export const ENCRYPTING = {
  encrypt: { kind: 'switch', brief: 'Encrypt it for the recipients of .hayaidb (global.backup.recipients), also where it does not say so' },
  recipient: { kind: 'list', value: 'AGE1...', brief: 'Encrypt it, and for this age recipient too; may be given again' },
} as const satisfies Flags

export function encryptingOf({ encrypt, recipient }: { readonly encrypt: boolean; readonly recipient: readonly string[] }) {
  return { encrypt, recipients: recipient }
}
