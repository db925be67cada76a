// The contract of a store: a place that keeps bytes under keys. Every store passes conformance.ts.
//
// 1. After put() has returned, the bytes survive a crash of this machine.
// 2. A key shows all of its bytes or is not there; a put that fails or is killed leaves the key as it was.
// 3. With `ifAbsent` exactly one of several writers wins, the others get CONFLICT, and the winner's bytes stand.
// 4. get() of a key that is not there throws NOT_FOUND; list() shows what put() has finished, and nothing else.
// 5. Keys are relative paths of names with "/" between; one that leaves the store is refused with USAGE.

import type { Bytes } from '../base/bytes.ts'
import type { Landing } from '../base/landing.ts'

export interface Entry {
  readonly key: string
  readonly bytes: number
  readonly modified: Date
}

/**
 * Bytes to be put. A function is asked for them when the place is ready: where the store can lend a file, with that, and then each byte
 * has been written there already when it is yielded; else with undefined.
 */
export type Source = Bytes | ((into: Landing | undefined) => Bytes)

export interface Store {
  /** How people call it: the folder's path, the bucket's URI. */
  readonly label: string
  put(key: string, source: Source, options: { readonly ifAbsent: boolean }): Promise<void>
  get(key: string): Bytes
  stat(key: string): Promise<Entry>
  /** Gives the same bytes a second key, without moving them where that can be; the time of their change stays. CONFLICT when it is taken. */
  copy(key: string, to: string): Promise<void>
  /**
   * The keys that begin with the prefix and have no further "/" behind it, in their order: one level, so that a folder with
   * other things in it is not searched through.
   */
  list(prefix: string): Promise<readonly Entry[]>
  /** Does nothing when the key is not there. */
  delete(key: string): Promise<void>
}

/** A second name of a key, in a folder that people look into: not one of the store's own keys. */
export interface Alias {
  readonly name: string
  /** Where a symbolic link leads, as it is written; undefined for a file of its own. */
  readonly target: string | undefined
  /** Of the file, or of what the link leads to; undefined when that is not there. */
  readonly entry: Entry | undefined
}

/** What only folders have: names that stand for other names. A store that has no such notion has no aliases, and loses nothing. */
export interface Aliases {
  list(prefix: string): Promise<readonly Alias[]>
  /**
   * Makes or replaces it as a whole. Without a time it is a link, which follows the key's bytes. With one it is a copy that shows
   * this time as that of its last change: safe from programs that write to the name, and known to be untouched as long as it does;
   * it takes no room where the file system can share it.
   */
  set(name: string, key: string, modified?: Date): Promise<void>
  delete(name: string): Promise<void>
}
