// The contract of a store: a place that keeps bytes under keys. Every store passes conformance.ts.
//
// 1. After put() has returned, the bytes survive a crash of this machine.
// 2. A key shows all of its bytes or is not there; a put that fails or is killed leaves the key as it was.
// 3. With `ifAbsent` exactly one of several writers wins, the others get CONFLICT, and the winner's bytes stand.
// 4. get() of a key that is not there throws NOT_FOUND; list() shows what put() has finished, and nothing else.
// 5. Keys are relative paths of names with "/" between; one that leaves the store is refused with USAGE.

import type { Bytes } from '../base/bytes.ts'

export interface Entry {
  readonly key: string
  readonly bytes: number
  readonly modified: Date
}

export interface Store {
  /** How people call it: the folder's path, the bucket's URI. */
  readonly label: string
  put(key: string, bytes: Bytes, options: { readonly ifAbsent: boolean }): Promise<void>
  get(key: string): Bytes
  stat(key: string): Promise<Entry>
  /**
   * The keys that begin with the prefix and have no further "/" behind it, in their order: one level, so that a folder with
   * other things in it is not searched through.
   */
  list(prefix: string): Promise<readonly Entry[]>
  /** Does nothing when the key is not there. */
  delete(key: string): Promise<void>
}
