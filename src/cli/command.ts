// What a command is. How to add one: a file in commands/ that exports command({...}), and a line in verbs.ts. A command
// calls the facade and renders its answer; it decides nothing, and it neither prints nor exits.

import type { Code, OpenOptions, Project, Watch } from '../index.ts'
import type { ArgumentValues, Flags, FlagValues, Parsed, Positionals } from './arguments.ts'
import type { Style } from './output.ts'

/** What a command is given besides its arguments. */
export interface Session {
  /** Where the run is watched from: Ctrl-C, and progress on a terminal. */
  readonly watch: Watch & { readonly signal: AbortSignal }
  /** A person is there who can be asked. */
  readonly interactive: boolean
  readonly json: boolean
  /** Hayai's own. */
  readonly version: string
  /** Standard output is a terminal. */
  readonly terminal: boolean
  open(options?: OpenOptions): Promise<Project>
  /** A line to a person at once, on standard error: for what must be known before the answer. */
  tell(text: (style: Style) => string): void
  /**
   * While a program of the person's own has the terminal: each signal is told to `heard`, and when that gives false it interrupts
   * Hayai too, once the work is over.
   */
  lend<T>(heard: (signal: NodeJS.Signals) => boolean, work: () => Promise<T>): Promise<T>
}

/** What is answered: for programs, and for people. */
export interface Said {
  readonly data: unknown
  readonly text: (style: Style) => string
  /** The exit status where it is another program's; 0 when not given. */
  readonly exit?: number
}

/** Bytes that go to standard output as they come. */
export interface Streamed {
  readonly stream: AsyncIterable<Uint8Array>
  /** It goes on until it is interrupted: that is its end, and no failure. */
  readonly endless?: boolean
}

export type Answer = Said | Streamed

interface Described {
  /** A paragraph for help: what it does, and what happens to the data. */
  readonly about: string
  /** What to type → what it does. */
  readonly examples: Readonly<Record<string, string>>
  /** The failures that a script should be ready for. */
  readonly failures: readonly Code[]
  readonly subcommands?: Readonly<Record<string, Verb>>
}

export interface Input<F extends Flags, P extends Positionals> {
  readonly flags: FlagValues<F>
  readonly args: ArgumentValues<P>
  readonly session: Session
}

export interface Command extends Described {
  readonly flags: Flags
  readonly positionals: Positionals
  readonly run: (parsed: Parsed, session: Session) => Promise<Answer>
}

/** A command as the table knows it: enough for the overview, the rest is loaded when it is wanted. */
export interface Verb {
  readonly brief: string
  readonly load: () => Promise<Command>
}

interface Definition<F extends Flags, P extends Positionals> extends Described {
  readonly flags: F
  readonly positionals: P
  readonly run: (input: Input<F, P>) => Promise<Answer>
}

export function command<const F extends Flags, const P extends Positionals>(definition: Definition<F, P>): Command {
  return {
    ...definition,
    run: ({ flags, args }, session) =>
      // parse() has checked them against these very tables.
      definition.run({ flags: flags as FlagValues<F>, args: args as ArgumentValues<P>, session }),
  }
}

/** An object without the keys that have no value, as exactOptionalPropertyTypes wants its requests. */
export function given<T extends Readonly<Record<string, unknown>>>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
