// `secrets_backend: env`: secrets that whoever starts Hayai has put into its environment: HAYAI_SECRET_<NAME>.

import { HayaiError } from '../../base/errors.ts'
import { Secret } from '../../base/secret.ts'
import type { SecretBackend } from './backend.ts'

const PREFIX = 'HAYAI_SECRET_'

function variableOf(name: string): string {
  return PREFIX + name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')
}

export function environmentBackend(): SecretBackend {
  const refuse = (name: string): Promise<never> =>
    Promise.reject(
      new HayaiError('CONFLICT', 'the secrets of this project are variables of the environment, which Hayai cannot set', {
        hint: `Set ${variableOf(name)} where Hayai is started; or write \`secrets_backend: file\` in .hayaidb.`,
      }),
    )
  return {
    name: 'env',
    place: `variables called ${PREFIX}NAME`,
    read(name) {
      const value = process.env[variableOf(name)]
      return Promise.resolve(value === undefined || value === '' ? undefined : new Secret(value))
    },
    names: () =>
      Promise.resolve(
        Object.keys(process.env)
          .filter((variable) => variable.startsWith(PREFIX))
          .map((variable) => variable.slice(PREFIX.length).toLowerCase().replaceAll('_', '-'))
          .toSorted(),
      ),
    write: refuse,
    remove: refuse,
    undo: () => '',
  }
}
