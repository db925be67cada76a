// Asking the child process in which SQLite runs. protocol.ts tells what, and why it is a child.

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Bytes } from '../../base/bytes.ts'
import { run, type Command } from '../../base/exec.ts'
import { errorIn, parseLine, type Line } from './lines.ts'
import type { Answers, Happening, Requests, Verb } from './protocol.ts'

export interface Asking {
  readonly signal?: AbortSignal
  /** What is told on the way. Nothing more is read before it has returned. */
  readonly on?: (happening: Happening) => void | Promise<void>
  readonly input?: Bytes
}

/** One request, one answer. What the child calls an error is thrown. */
export async function ask<V extends Verb>(verb: V, request: Requests[V], { signal, on, input }: Asking = {}): Promise<Answers[V]> {
  let last: Line | undefined
  for await (const line of lines(run(childFor(verb, request, signal), input))) {
    last = parseLine(line)
    // Lines come from the same version of the same program, by the same types.
    if ('event' in last) await on?.(last as unknown as Happening)
  }
  const failure = last === undefined ? undefined : errorIn(last)
  if (failure !== undefined) throw failure
  if (last === undefined || !('answer' in last)) throw new Error(`the child of SQLite was asked to ${verb}, and ended without an answer`)
  return last['answer'] as Answers[V]
}

/** How the child is started for a request. */
export function childFor<V extends Verb>(verb: V, request: Requests[V], signal?: AbortSignal): Command {
  return {
    file: process.execPath,
    args: [script(), verb, JSON.stringify(request)],
    closedStdinIsFine: true,
    ...(signal === undefined ? {} : { signal }),
  }
}

// Beside the bundle or one of its pieces; in a checkout it is the source itself, which Node runs as it is.
function script(): string {
  found ??= ['./sqlite-child.js', '../sqlite-child.js', './child.ts']
    .map((name) => fileURLToPath(new URL(name, import.meta.url)))
    .find(existsSync)
  if (found === undefined) throw new Error(`sqlite-child.js is not beside ${import.meta.url}`)
  return found
}
let found: string | undefined

async function* lines(bytes: Bytes): AsyncIterable<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of bytes) {
    const pieces = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = pieces.pop() ?? ''
    yield* pieces
  }
  if (rest !== '') yield rest
}
