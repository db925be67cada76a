// Short digests of text, for telling whether two are the same.

import { createHash } from 'node:crypto'

const SHORT = 160

/** For what is long, or may hold anything (a body, a program): it can be compared, and not be read. */
export function digestOf(text: string): string {
  return `sha256 ${createHash('sha256').update(text).digest('hex').slice(0, 20)}`
}

/** A short text as it is; of a long one the beginning, and a digest of the whole. */
export function abridged(text: string): string {
  return text.length <= SHORT ? text : `${text.slice(0, SHORT)}… (${digestOf(text)})`
}
