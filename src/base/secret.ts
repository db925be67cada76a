// A value that must not show. Printed, logged or put into JSON it is dots; only reveal() gives it away.

import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'

const DOTS = '••••••••'

export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The value itself: only for a child's environment, a 0600 file, a client's login, or a person who asked for it. */
  reveal(): string {
    return this.#value
  }

  equals(other: Secret): boolean {
    return this.#value === other.#value
  }

  toString(): string {
    return DOTS
  }

  toJSON(): string {
    return DOTS
  }

  [inspect.custom](): string {
    return DOTS
  }
}

/** A new password: 24 characters of base64url, 144 random bits, safe in a URI and in a shell word. */
export function generatePassword(): Secret {
  return new Secret(randomBytes(18).toString('base64url'))
}
