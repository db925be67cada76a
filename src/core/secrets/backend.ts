// Where the secrets of a project are kept: the contract, and which one `.hayaidb` names.

import { join, resolve } from 'node:path'
import { HayaiError } from '../../base/errors.ts'
import type { Secret } from '../../base/secret.ts'
import type { Config } from '../../project/config.ts'
import { SECRET_NAME } from '../../project/references.ts'
import { configOf, type Context } from '../context.ts'
import type { BackendName } from '../secret-answers.ts'

export interface SecretBackend {
  readonly name: BackendName
  /** For people: a file, an address. */
  readonly place: string
  /** undefined where there is none of that name. Throws ENVIRONMENT when it cannot be asked, and says why. */
  read(name: string): Promise<Secret | undefined>
  names(): Promise<readonly string[]>
  write(name: string, value: Secret): Promise<void>
  remove(name: string): Promise<void>
  /** How one that was removed, or written over, can be had back. */
  readonly undo: (name: string) => string
}

export function checkSecretName(name: string): string {
  if (SECRET_NAME.test(name)) return name
  throw new HayaiError('USAGE', `${JSON.stringify(name)} cannot be the name of a secret`, {
    hint: 'Use 1 to 63 letters, digits, "-", "_" and ".", beginning with a letter or a digit.',
  })
}

const opened = new WeakMap<Context, { readonly declared: string; readonly backend: Promise<SecretBackend> }>()

/** The same for as long as `.hayaidb` says the same: a token serves for all that is asked. */
export async function backendOf(context: Context): Promise<SecretBackend> {
  const config = await configOf(context)
  const declared = JSON.stringify([config?.project, config?.security, config?.backup?.recipients])
  const there = opened.get(context)
  if (there?.declared === declared) return there.backend
  const backend = openBackend(context, config)
  opened.set(context, { declared, backend })
  return backend
}

async function openBackend(context: Context, config: Config | undefined): Promise<SecretBackend> {
  const { enable_secrets: enabled, secrets_backend: name = 'env', secrets_file: file, vault = {} } = config?.security ?? {}
  if (enabled !== true) {
    throw new HayaiError('CONFIG_INVALID', 'secrets are not enabled in this project', {
      hint: 'Write `enable_secrets: true` and `secrets_backend: file` (or env, or vault) under global.security of .hayaidb.',
    })
  }
  if (name === 'vault') return (await import('./vault.ts')).vaultBackend(vault ?? {}, config?.project ?? projectName(context), context.root)
  if (name === 'env') return (await import('./environment.ts')).environmentBackend()
  const { fileBackend } = await import('./file.ts')
  const own = context.paths.own
  return fileBackend({
    path: resolve(context.root, file ?? 'secrets.age'),
    previous: join(own, 'secrets.previous.age'),
    lock: join(own, 'secrets.lock'),
    recipients: config?.backup?.recipients ?? [],
    keyring: context.keyring,
  })
}

function projectName({ root }: Context): string {
  return root.slice(root.lastIndexOf('/') + 1)
}
