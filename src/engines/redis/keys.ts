// Keys and values as bytes: neither need be text.

import { HayaiError } from '../../base/errors.ts'
import { refusal, type Session } from './session.ts'

export type Answer = Buffer | number | null | HayaiError | readonly Answer[]

/** Sends all the questions at once, and gives the answers in their order. What the server refuses is an answer, too. */
export async function answers(session: Session, questions: readonly (readonly (string | Uint8Array)[])[]): Promise<readonly Answer[]> {
  for (const words of questions) session.wire.send(...words)
  const replies: Answer[] = []
  for (const [verb] of questions) replies.push(await answer(session, String(verb)))
  return replies
}

async function answer(session: Session, verb: string): Promise<Answer> {
  const { wire } = session
  const line = await wire.line()
  const rest = line.slice(1)
  switch (line[0]) {
    case '+':
      return Buffer.from(rest)
    case ':':
      return Number(rest)
    case '$': {
      const size = Number(rest)
      if (size < 0) return null
      return Buffer.from((await wire.exactly(size + 2)).subarray(0, size))
    }
    case '*': {
      const items: Answer[] = []
      for (let left = Number(rest); left > 0; left -= 1) items.push(await answer(session, verb))
      return items
    }
    case '-':
      return refusal(verb, rest)
    default:
      throw new HayaiError('TOOL_FAILED', `the server answers ${verb} with something that is not its protocol`)
  }
}

export function isList(answer: Answer | undefined): answer is readonly Answer[] {
  return Array.isArray(answer)
}

export function asText(value: Answer | undefined): string {
  return Buffer.isBuffer(value) ? value.toString('latin1') : ''
}

/** The keys of the db that is selected and that match the server's own kind of pattern; a key may come twice. */
export async function* matching(session: Session, pattern: string): AsyncIterable<readonly Buffer[]> {
  let cursor = '0'
  do {
    const [reply] = await answers(session, [['SCAN', cursor, 'MATCH', pattern, 'COUNT', '1000']])
    if (reply instanceof HayaiError) throw reply
    const [next, keys] = isList(reply) ? reply : []
    cursor = asText(next)
    const found = isList(keys) ? keys.filter((key) => Buffer.isBuffer(key)) : []
    if (found.length > 0) yield found
  } while (cursor !== '0' && cursor !== '')
}
