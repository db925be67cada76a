// Questions to servers that speak HTTP.

import { HayaiError, messageOf } from '../../base/errors.ts'
import type { Endpoint } from '../engine.ts'

export interface Question {
  readonly method?: 'GET' | 'POST'
  readonly body?: string | URLSearchParams
  readonly signal?: AbortSignal | undefined
}

/** Throws TOOL_FAILED when the server cannot be reached, or answers with anything but success. */
export async function ask({ host, port }: Endpoint, path: string, question: Question = {}): Promise<Response> {
  const { signal, ...rest } = question
  const place = `${host}:${port}${path.split('?')[0]}`
  let answer: Response
  try {
    answer = await fetch(`http://${host}:${port}${path}`, { ...rest, ...(signal === undefined ? {} : { signal }) })
  } catch (cause) {
    signal?.throwIfAborted()
    const why = cause instanceof Error && cause.cause !== undefined ? messageOf(cause.cause) : messageOf(cause)
    throw new HayaiError('TOOL_FAILED', `${place} does not answer: ${why}`, { cause })
  }
  if (answer.ok) return answer
  const said = (await answer.text()).slice(0, 200)
  throw new HayaiError('TOOL_FAILED', `${place} answers with ${answer.status}: ${said}`)
}

export async function askJson(endpoint: Endpoint, path: string, question: Question = {}): Promise<unknown> {
  return (await ask(endpoint, path, question)).json()
}

/** What is there under these keys, one below the other; undefined where there is nothing. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let found = value
  for (const step of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined
    found = (found as Record<string | number, unknown>)[step] // an own property, as was just asked
  }
  return found
}

export function listAt(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found = at(value, ...path)
  return Array.isArray(found) ? found : []
}
