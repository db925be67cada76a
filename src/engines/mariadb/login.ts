// Passwords as the server stores them: no password in clear is ever written into a statement.

import { createHash } from 'node:crypto'
import type { Secret } from '../../base/secret.ts'
import type { Settings } from '../engine.ts'
import { ROOT } from './settings.ts'

/** An account that Hayai makes: the login, and root. */
export interface Login {
  readonly user: string
  readonly host: string
  /** undefined: nobody can log in, but what belongs to the account works. */
  readonly password: Secret | undefined
}

/**
 * The accounts of a new server. `root`@`localhost` is always there: half of all dumps say that something belongs to it. The most
 * exact host wins at a login, so a root that may log in has the same password from everywhere.
 */
export function firstLogins({ user, password, secrets }: Settings): readonly Login[] {
  const root = user === 'root' ? password : secrets?.[ROOT]
  return [
    { user: 'root', host: 'localhost', password: root },
    ...(root === undefined ? [] : [{ user: 'root', host: '%', password: root }]),
    ...(user === 'root' ? [] : [{ user, host: '%', password }]),
  ]
}

/** Of the plugin mysql_native_password; `invalid` lets nobody in. */
export function nativeHash(password: Secret | undefined): string {
  if (password === undefined) return 'invalid'
  const once = createHash('sha1').update(password.reveal(), 'utf8').digest()
  return `*${createHash('sha1').update(once).digest('hex').toUpperCase()}`
}
