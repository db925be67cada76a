// Asking a child process that is a piece of Hayai itself: one verb and one request as arguments, lines of JSON as the answer, of
// which the last one is the answer or the error. Native calls that take minutes are made there, for a child can be ended.

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Bytes } from './bytes.ts'
import { run, type Command } from './exec.ts'
import { errorIn, linesIn, parseLine, type Line } from './lines.ts'

export interface Asking<Happening> {
  readonly signal?: AbortSignal
  /** What is told on the way. Nothing more is read before it has returned. */
  readonly on?: (happening: Happening) => void | Promise<void>
  readonly input?: Bytes
}

/** One request, one answer. What the child calls an error is thrown. */
export async function askChild<Happening>(child: Command, { on, input }: Asking<Happening>): Promise<unknown> {
  let last: Line | undefined
  for await (const line of linesIn(run(child, input))) {
    last = parseLine(line)
    // Lines come from the same version of the same program, by the same types.
    if ('event' in last) await on?.(last as unknown as Happening)
  }
  const failure = last === undefined ? undefined : errorIn(last)
  if (failure !== undefined) throw failure
  if (last === undefined || !('answer' in last)) throw new Error(`${child.args.slice(0, 2).join(' ')} ended without an answer`)
  return last['answer']
}

/** How the child is started for a request. */
export function childCommand(script: string, verb: string, request: unknown, signal?: AbortSignal): Command {
  return {
    file: process.execPath,
    args: [script, verb, JSON.stringify(request)],
    closedStdinIsFine: true,
    ...(signal === undefined ? {} : { signal }),
  }
}

/** Beside the bundle (`<name>.js`) or one of its pieces; in a checkout it is the source itself, which Node runs as it is. */
export function childScript(name: string, asker: string): string {
  const found = [`./${name}.js`, `../${name}.js`, './child.ts'].map((each) => fileURLToPath(new URL(each, asker))).find(existsSync)
  if (found === undefined) throw new Error(`${name}.js is not beside ${asker}`)
  return found
}

/** The permission that a child waits for: a byte, `g`. It ends without a word when this process ends, or when it is refused. */
export function permissionOf(decision: Promise<boolean>): Bytes {
  async function* permission(): Bytes {
    if (await decision) yield Buffer.from('g')
  }
  return permission()
}

/** For a child that says `ready` before what cannot be taken back, and goes on only while this process lives to permit it. */
export function whileAlive(): { readonly on: (happening: { readonly event: string }) => void; readonly input: Bytes } {
  let asked = Promise.withResolvers<void>()
  async function* permissions(): Bytes {
    for (;;) {
      await asked.promise
      asked = Promise.withResolvers()
      yield Buffer.from('g')
    }
  }
  return { on: ({ event }) => event === 'ready' && asked.resolve(), input: permissions() }
}
