// Questions to servers that speak HTTP.

import { HayaiError, messageOf } from '../../base/errors.ts'
import type { Endpoint } from '../engine.ts'

export interface Question {
  readonly method?: 'GET' | 'POST'
  readonly body?: string | URLSearchParams
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
}

/** How a server of InfluxDB 2 is shown its token, which is the password of the login. */
export function byToken({ password }: Endpoint): Readonly<Record<string, string>> {
  return { authorization: `Token ${password.reveal()}` }
}

/** Whether the server knows the token. Throws TOOL_FAILED when it says anything but yes and no. */
export async function letsIn(endpoint: Endpoint, path: string, signal: AbortSignal | undefined): Promise<boolean> {
  const answer = await reach(endpoint, path, { headers: byToken(endpoint), signal })
  const refused = answer.status === 401 || answer.status === 403
  if (refused || answer.ok) {
    await answer.body?.cancel()
    return !refused
  }
  throw await failure(endpoint, path, answer)
}

/** Throws TOOL_FAILED when the server cannot be reached, or answers with anything but success. */
export async function ask(endpoint: Endpoint, path: string, question: Question = {}): Promise<Response> {
  const answer = await reach(endpoint, path, question)
  if (answer.ok) return answer
  throw await failure(endpoint, path, answer)
}

async function reach({ host, port }: Endpoint, path: string, question: Question): Promise<Response> {
  const { signal, ...rest } = question
  try {
    return await fetch(`http://${host}:${port}${path}`, { ...rest, ...(signal === undefined ? {} : { signal }) })
  } catch (cause) {
    signal?.throwIfAborted()
    const why = cause instanceof Error && cause.cause !== undefined ? messageOf(cause.cause) : messageOf(cause)
    throw new HayaiError('TOOL_FAILED', `${host}:${port}${path.split('?')[0]} does not answer: ${why}`, { cause })
  }
}

async function failure({ host, port }: Endpoint, path: string, answer: Response): Promise<HayaiError> {
  const said = (await answer.text()).slice(0, 200)
  return new HayaiError('TOOL_FAILED', `${host}:${port}${path.split('?')[0]} answers with ${answer.status}: ${said}`)
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
