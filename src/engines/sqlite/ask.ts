// Asking the child process in which SQLite runs. protocol.ts tells what, and why it is a child.

import { askChild, childCommand, childScript, type Asking } from '../../base/child.ts'
import type { Command } from '../../base/exec.ts'
import { askStanding } from '../../base/standing.ts'
import type { Answers, Happening, Requests, Verb } from './protocol.ts'

/** One request, one answer. What the child calls an error is thrown. */
export async function ask<V extends Verb>(verb: V, request: Requests[V], asking: Asking<Happening> = {}): Promise<Answers[V]> {
  const { signal, on, input } = asking
  const plain = on === undefined && input === undefined
  // The child is the same version of the same program, and answers by the same types.
  return (await (plain ? askStanding(childFile(), verb, request, signal) : askChild(childFor(verb, request, signal), asking))) as Answers[V]
}

/** How the child is started for a request. */
export function childFor<V extends Verb>(verb: V, request: Requests[V], signal?: AbortSignal): Command {
  return childCommand(childFile(), verb, request, signal)
}

function childFile(): string {
  return (script ??= childScript('sqlite-child', import.meta.url))
}
let script: string | undefined
