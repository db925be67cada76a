// A part of the contract of an engine (engine.ts): what a runtime is told of a database that is one file.

/** Facts of an engine whose database is one file. Applications open that file by themselves, at any time. */
export interface FileRecipe {
  readonly shape: 'file'
  readonly extension: string
  /** Files that live beside the database file and belong to it, as what their names add to its own: `-wal`, `-shm`. */
  readonly companions: readonly string[]
  /** The exact version of the library that reads and writes the files on this machine. */
  readonly version: () => Promise<string>
  /** Makes an empty database file where there is none. */
  readonly create: (file: string) => Promise<void>
  /** Throws CONFLICT when the file is there but is not a database of this engine. Changes nothing in it. */
  readonly recognise: (file: string) => Promise<void>
  /** Whether the engine can work with the file as it is; `users` are the processes that have a damaged one open. */
  readonly look: (file: string) => Promise<Look>
  /**
   * Whether the exchange with this mark has happened: false also when the file is missing or damaged. An exchange that a process may
   * still be at work on is waited for, or made impossible: after a false it does not happen any more.
   */
  readonly bears: (file: string, mark: string) => Promise<boolean>
  /** Takes the mark away; does nothing when it is not there. */
  readonly unmark: (file: string, mark: string) => Promise<void>
  /**
   * Marks `incoming`, and exchanges the content if the live file is sound; if not, and if it cannot lay `incoming` in the place of
   * what is missing or damaged by the same means, it does no more, and tells what is wrong.
   * Throws LOCKED when others do not let go within `patience`. Nothing has changed when it throws before `ready` has returned.
   */
  readonly exchange: (exchange: Exchange) => Promise<Look>
}

export interface Look {
  readonly state: 'sound' | 'missing' | 'damaged'
  readonly users: readonly string[]
}

/**
 * Gives the live file the content of `incoming`, at one moment: every program sees the content before or the content after, whether
 * it has the file open or not, and so it is also when any process is killed on the way. A file that a program may have open unseen is
 * not moved or replaced, for such a program would go on with the one that is gone, and spoil both (docs/decisions/0003, 0005).
 */
export interface Exchange {
  readonly live: string
  /** At rest, and used by nobody. */
  readonly incoming: string
  /** Does not exist yet: gets what the live file held at the moment of the exchange, whole and durable. */
  readonly outgoing: string
  /** A word of a-z, 0-9 and _ by which the incoming content is known again in the live file. */
  readonly mark: string
  /** Milliseconds. */
  readonly patience: number
  /** Called when nobody else can write any more and `outgoing` is whole. The exchange happens after it has returned, else not at all. */
  readonly ready: () => Promise<void>
}
