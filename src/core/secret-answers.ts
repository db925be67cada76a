// What the verbs of secrets are asked and what they answer. No answer holds a value.

import type { Secret } from '../base/secret.ts'

export type BackendName = 'env' | 'file' | 'vault'

export interface SecretUse {
  readonly database: string
  /** The variable of `environment:` that is `secret:<name>`. */
  readonly variable: string
  readonly name: string
  /** False when the backend has none of that name. */
  readonly there: boolean
}

export interface SecretsAnswer {
  readonly backend: BackendName
  /** Where they are: a file, an address, the environment. */
  readonly place: string
  readonly names: readonly string[]
  readonly uses: readonly SecretUse[]
}

export interface SetSecretAnswer {
  readonly name: string
  readonly backend: BackendName
  readonly place: string
  /** There was one of that name before. */
  readonly replaced: boolean
  readonly dryRun: boolean
}

export interface RemoveSecretAnswer {
  readonly name: string
  readonly backend: BackendName
  readonly place: string
  /** How it can be had back. */
  readonly undo: string
  readonly dryRun: boolean
}

export interface Secrets {
  secrets(): Promise<SecretsAnswer>
  setSecret(request: { readonly name: string; readonly value: Secret; readonly dryRun?: boolean }): Promise<SetSecretAnswer>
  /** NOT_FOUND when there is none of that name. */
  removeSecret(request: { readonly name: string; readonly dryRun?: boolean }): Promise<RemoveSecretAnswer>
}
