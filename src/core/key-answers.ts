// What the verbs of keys are asked and what they answer. A key is a pair: the identity, which is secret and opens, and the recipient,
// which is public and for which is encrypted.

import type { Secret } from '../base/secret.ts'

/** What a snapshot and a backup take: who shall be able to read it. */
export interface Encrypting {
  /** Also where `.hayaidb` does not say so. */
  readonly encrypt?: boolean
  /** Besides those of `.hayaidb`: `age1...`. With any, it is encrypted. */
  readonly recipients?: readonly string[]
}

export interface CreateKeyRequest {
  /** A file for the recovery sheet, which must not be in the project; without it the answer has it. */
  readonly sheet?: string
  /** The file of the identity is kept under a passphrase. */
  readonly passphrase?: boolean
  readonly dryRun?: boolean
}

export interface CreateKeyAnswer {
  /** null on a dry run, like what depends on it. */
  readonly recipient: string | null
  /** The file that holds it, for its owner alone. */
  readonly identity: string | null
  readonly sheet: string | null
  /** The sheet itself, when no file was named. */
  readonly shown: Secret | null
  /** `.hayaidb`, which names the recipient now. */
  readonly declared: string
  readonly plan: readonly string[]
  readonly dryRun: boolean
}

export interface RecipientView {
  readonly recipient: string
  /** Where this machine has the identity; null: what is encrypted for it alone cannot be read here. */
  readonly identity: string | null
}

export interface KeysAnswer {
  /** Every snapshot and backup of the project is encrypted. */
  readonly encryption: boolean
  readonly recipients: readonly RecipientView[]
}

export interface IdentityView {
  readonly file: string
  /** null of one that cannot be read without its passphrase. */
  readonly recipient: string | null
  readonly passphrase: boolean
}

export interface AddRecipientAnswer {
  readonly recipient: string
  /** False when it was there. */
  readonly added: boolean
  readonly recipients: readonly string[]
  readonly dryRun: boolean
}

export interface Keys {
  /** A new identity, kept on this machine, and its recipient in `.hayaidb`. */
  createKey(request?: CreateKeyRequest): Promise<CreateKeyAnswer>
  /** For whom this project encrypts. */
  keys(): Promise<KeysAnswer>
  /** What is kept on this machine, of whatever project. */
  identities(): Promise<readonly IdentityView[]>
  addRecipient(request: { readonly recipient: string; readonly dryRun?: boolean }): Promise<AddRecipientAnswer>
}
