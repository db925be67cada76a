// What is known of a kind of database before anything runs: the facts from which a place for it is made.

import type { COUNTERS } from './counts.ts'

export interface Entry {
  readonly name: string
  readonly title: string
  readonly kind:
    | 'any'
    | 'relational'
    | 'document'
    | 'key-value'
    | 'wide column'
    | 'time series'
    | 'analytics'
    | 'graph'
    | 'search'
    | 'vector'
    | 'multi-model'
    | 'messaging'
  /** The name of its official image, or of the one that its vendor makes; null for a file, and for what `.hayaidb` names. */
  readonly image: string | null
  /** The tag of its image when no version is asked for: `latest` when not given. */
  readonly tag?: string
  /** Where the server listens inside of its container. */
  readonly port: number | null
  /** Where the image keeps what must survive; null for a file. */
  readonly data: string | null
  /** How to see that it answers; null for a file. */
  readonly health: Health | null
  /** What its image must be told to start at all, as one server. `{password}` is the login's; `{token}` the token, where it is another. */
  readonly environment: Readonly<Record<string, string>>
  /** Users and passwords are among its data, and no variable changes them later. */
  readonly loginInData?: true
  /** With `{user}`, `{password}`, `{port}`, `{database}` and `{path}`. */
  readonly uri: string
  /** How a copy of it is of one moment: by a command of its own while it runs, at rest, or held still (then as after a crash). */
  readonly quiesce: 'command' | 'stop' | 'pause'
  /** The command of its own, whether Hayai uses it or not; '' where there is none. */
  readonly command: string
  readonly licence: string
  /** `proven`: its trials run in CI; `generic`: by the data-folder method, proven on other engines and never run with this image; `not tried`. */
  readonly proven: 'proven' | 'generic' | 'not tried'
  /** What else is to be known, in a sentence or two; ''. */
  readonly note: string
  /** What its image is told, where it must be told anything. */
  readonly contained?: Contained
  /** How it runs from this machine's own programs; undefined where that is not known. */
  readonly native?: Native
  /** How what it holds is counted; undefined where nobody knows. */
  readonly counter?: keyof typeof COUNTERS
  readonly counts?: { readonly what: string; readonly of: string }
  /** Where it is asked for its own backup. */
  readonly portable?: Portable
}

/** What its image is told; in it the data is at `data`, and the port is `port`. */
export interface Contained {
  readonly args: readonly string[]
  /** The server's program there, where it is called otherwise than elsewhere. */
  readonly server?: string
  /** A program in the image that succeeds when the server answers; [] where the image has none, not even a shell. */
  readonly healthcheck?: readonly string[]
}

export interface Native {
  readonly server: string
  /** What makes it print its version, where that is not `--version`; and where the version is in that, as a pattern. */
  readonly versionWord?: string
  readonly version: string
  /** The version of a build that does not tell. */
  readonly otherwise?: string
  readonly major: string
  readonly debian: string
  readonly brew: string
  /** The account that its package makes. */
  readonly account: string
  /** `{data}` and `{port}` are filled in. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** See ServerRecipe. */
  readonly forcible: boolean
  readonly bySignal?: true
  /** Starts it on an unpacked folder called FOLDER, at PORT. */
  readonly byHand: string
}

/** A backup of its own for which it goes on, by programs beside it. In their arguments `{at}` and `{folder}` are filled in. */
export interface Portable {
  /** Where the server is asked: by this machine's own programs, with `{port}`, and by those in its container. */
  readonly here: string
  readonly contained: string
  readonly program: string
  readonly backup: readonly string[]
  readonly restore: readonly string[]
  readonly token?: Token
  /** What is counted and not in the backup: many → one. */
  readonly leavesOut: Readonly<Record<string, string>>
  readonly compressed?: 'gzip'
  /** Its program ends before the server has taken in all that it was sent. */
  readonly lags?: true
  /** Gives an unpacked folder called FOLDER to a server. */
  readonly byHand: string
}

/** What a server asks for who is let at all of it. The password of its login is that. */
export interface Token {
  /** How `.hayaidb` may call it in `environment:`; where it says it, its own backup is what is taken when no format is named. */
  readonly names: readonly string[]
  /** The variable from which the programs read it: it is in no argument. */
  readonly variable: string
  /** What only those are told who come with a token that it takes. */
  readonly path: string
}

export type Health = { readonly http: string; readonly port?: number } | { readonly tcp: true } | { readonly command: string }
