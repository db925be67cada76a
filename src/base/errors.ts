// Every way in which Hayai can fail, in one table. The command line's exit statuses, the `error.code` of `--json`
// and docs/AUTOMATION.md all come from here.

export const CODES = {
  UNEXPECTED: { exit: 1, meaning: 'a bug in Hayai, or something nobody foresaw' },
  USAGE: { exit: 2, meaning: 'the command line cannot be understood' },
  CONFIG_INVALID: { exit: 2, meaning: 'the .hayaidb file is not valid' },
  NOT_FOUND: { exit: 3, meaning: 'no such project, database, snapshot or file' },
  CONFLICT: { exit: 4, meaning: 'the name, port or file is taken, or does not fit' },
  WRONG_STATE: { exit: 5, meaning: 'the database is not in the state this needs' },
  ENVIRONMENT: { exit: 6, meaning: 'a program that is needed is missing from this machine, or refuses to work' },
  LOCKED: { exit: 7, meaning: 'another command is at work on the same thing' },
  TOOL_FAILED: { exit: 8, meaning: "a database's own tool or server failed, or a hook, or the receiver of a notification" },
  CORRUPT: { exit: 9, meaning: 'a snapshot, backup or catalog is damaged, did not pass verification, or is missing where `health` looks' },
  STORE_FAILED: { exit: 10, meaning: 'the place where snapshots are kept failed, or is full' },
  INTERRUPTED: { exit: 130, meaning: 'interrupted (Ctrl-C)' },
} as const

export type Code = keyof typeof CODES

export interface ErrorOptions {
  /** The next thing to type or to do, as one sentence. */
  readonly hint?: string
  readonly cause?: unknown
  /** Facts for programs, shown as `error.details` in JSON. Never a secret. */
  readonly details?: Readonly<Record<string, unknown>>
}

/** An error that a person can act upon. Whatever is thrown and is not one of these is a bug, and is shown as one. */
export class HayaiError extends Error {
  readonly code: Code
  readonly hint: string | undefined
  readonly details: Readonly<Record<string, unknown>> | undefined

  constructor(code: Code, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'HayaiError'
    this.code = code
    this.hint = options.hint
    this.details = options.details
  }

  get exitStatus(): number {
    return CODES[this.code].exit
  }
}

export function isCode(error: unknown, code: Code): error is HayaiError {
  return error instanceof HayaiError && error.code === code
}

/** The `code` of a Node system error (`ENOENT`, `ENOSPC`, ...), or undefined. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** What an error says, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
