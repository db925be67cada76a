// The notifications that `.hayaidb` declares, by name.

import { Secret } from '../base/secret.ts'
import type { RawBackup } from './backup-schema.ts'
import { KINDS, type EVENTS } from './notification-schema.ts'

export type Event = (typeof EVENTS)[number]
export type Kind = (typeof KINDS)[number]

export interface Notification {
  readonly name: string
  readonly kind: Kind
  readonly on: readonly Event[]
  /** Where it is sent to. This and the other secrets are as written until somebody is told something (src/core/news/values.ts). */
  readonly address: Secret
  readonly from: string | undefined
  readonly to: readonly string[]
  readonly user: string | undefined
  readonly password: Secret | undefined
  readonly token: Secret | undefined
  readonly ca: string | undefined
}

const USUAL: readonly Event[] = ['failure', 'recovery', 'silence']

export function notificationsOf(backup: RawBackup | undefined): readonly Notification[] {
  return Object.entries(backup?.notifications ?? {}).flatMap(([name, raw]) => {
    const kind = KINDS.find((each) => raw[each] !== undefined)
    const address = kind === undefined ? undefined : raw[kind]
    if (kind === undefined || address === undefined) return [] // the schema has refused it
    const { from, to = [], user, password, token, ca, on = USUAL } = raw
    return [
      {
        name,
        kind,
        on,
        address: new Secret(address),
        from,
        to: typeof to === 'string' ? [to] : to,
        user,
        password: secret(password),
        token: secret(token),
        ca,
      },
    ]
  })
}

function secret(value: string | undefined): Secret | undefined {
  return value === undefined ? undefined : new Secret(value)
}
