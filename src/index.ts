// The library's door.

export type * from './core/answers.ts'
export { CODES, HayaiError, type Code } from './base/errors.ts'
export { Secret } from './base/secret.ts'
