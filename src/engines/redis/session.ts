// Questions to a server, and its answers.

import { HayaiError } from '../../base/errors.ts'
import type { Endpoint, Target } from '../engine.ts'
import { connect, type Wire } from './wire.ts'

export type Reply = string | number | null | readonly Reply[]

export interface Session {
  /** For what is no question and answer. */
  readonly wire: Wire
  /** Throws TOOL_FAILED with the server's own words when it refuses, WRONG_STATE when it is still reading its data. */
  ask(...words: readonly string[]): Promise<Reply>
  /** undefined when the server is too old to know the command, or the setting that is asked for. */
  askIfKnown(...words: readonly string[]): Promise<Reply | undefined>
}

/** Runs `work` with a connection of its own, logged in. */
export async function withSession<T>(
  endpoint: Endpoint,
  signal: AbortSignal | undefined,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await open(endpoint, signal)
  try {
    return await work(session)
  } finally {
    session.wire.close()
  }
}

/** The caller closes its wire. */
export async function open(endpoint: Endpoint, signal?: AbortSignal): Promise<Session> {
  const wire = await connect(endpoint, signal)
  const ask = async (...words: readonly string[]): Promise<Reply> => {
    wire.send(...words)
    return reply(wire, words[0] ?? '')
  }
  try {
    await ask('AUTH', endpoint.password.reveal())
  } catch (error) {
    wire.close()
    throw error
  }
  return {
    wire,
    ask,
    async askIfKnown(...words) {
      try {
        return await ask(...words)
      } catch (error) {
        if (error instanceof HayaiError && /^ERR (?:unknown|unsupported)/i.test(String(error.details?.['reply']))) return undefined
        throw error
      }
    },
  }
}

async function reply(wire: Wire, question: string): Promise<Reply> {
  const line = await wire.line()
  const rest = line.slice(1)
  switch (line[0]) {
    case '+':
      return rest
    case ':':
      return Number(rest)
    case '$':
      return bulk(wire, Number(rest))
    case '*': {
      const items: Reply[] = []
      for (let left = Number(rest); left > 0; left -= 1) items.push(await reply(wire, question))
      return items
    }
    case '-':
      throw refusal(question, rest)
    default:
      throw new HayaiError('TOOL_FAILED', `the server answers ${question} with something that is not its protocol`)
  }
}

async function bulk(wire: Wire, size: number): Promise<Reply> {
  if (size < 0) return null
  const bytes = await wire.exactly(size + 2)
  return bytes.toString('utf8', 0, size)
}

export function refusal(question: string, words: string): HayaiError {
  if (words.startsWith('LOADING'))
    return new HayaiError('WRONG_STATE', 'the server is still reading its data', { hint: 'Try again in a moment.' })
  return new HayaiError('TOOL_FAILED', `the server refuses ${question}: ${words}`, { details: { reply: words } })
}

/** The lines of a section of INFO, by name. */
export async function information(session: Session, section: string): Promise<Readonly<Record<string, string>>> {
  const text = String(await session.ask('INFO', section))
  return Object.fromEntries(
    text.split('\r\n').flatMap((line) => {
      const at = line.indexOf(':')
      return at > 0 && !line.startsWith('#') ? [[line.slice(0, at), line.slice(at + 1)]] : []
    }),
  )
}

export function endpointOf(target: Target): Endpoint {
  if (target.endpoint === undefined) throw new Error('this database is a server, and this target has no endpoint')
  return target.endpoint
}
