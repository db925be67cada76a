// What the values of a notification stand for, looked up when somebody is told something.

import { HayaiError } from '../../base/errors.ts'
import { Secret } from '../../base/secret.ts'
import type { Notification } from '../../project/notifications.ts'
import { filled, secretIn } from '../../project/references.ts'
import type { Context } from '../context.ts'
import { backendOf, checkSecretName } from '../secrets/backend.ts'

export type Lookup = (value: Secret) => Promise<Secret>

/** The same with every value as it is meant. Throws what `lookup` throws. */
export async function meant(notification: Notification, lookup: Lookup): Promise<Notification> {
  const { address, password, token } = notification
  const maybe = async (value: Secret | undefined) => (value === undefined ? undefined : lookup(value))
  return { ...notification, address: await lookup(address), password: await maybe(password), token: await maybe(token) }
}

/** `${VARIABLE}` from the environment, `secret:name` from where the project keeps its secrets. */
export function lookupIn(context: Context): Lookup {
  return async (value) => {
    const name = secretIn(value.reveal())
    if (name === undefined) return fromEnvironment(value)
    const found = await (await backendOf(context)).read(checkSecretName(name))
    if (found !== undefined) return found
    throw new HayaiError('NOT_FOUND', `there is no secret "${name}"`, { hint: `hayai secrets set ${name}` })
  }
}

export const fromEnvironment: Lookup = async (value) => {
  const { text, missing } = filled(value.reveal(), process.env)
  if (missing.length === 0) return Promise.resolve(new Secret(text))
  throw new HayaiError('ENVIRONMENT', `the variable ${missing.join(' and ')} is not set`, {
    hint: `Set it in the environment of whoever runs the plans: the service, the crontab, or this shell.`,
  })
}
