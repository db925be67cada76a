// The lines in which a child process of Hayai is asked and answers, on both sides of the pipe.

import type { Bytes } from './bytes.ts'
import { CODES, HayaiError, type Code } from './errors.ts'

export type Line = Readonly<Record<string, unknown>>

export function lineOfAnswer(answer: unknown): string {
  return `${JSON.stringify({ answer: answer ?? null })}\n`
}

export function lineOfError({ code, message, hint, details }: HayaiError): string {
  return `${JSON.stringify({ error: { code, message, hint, details } })}\n`
}

export function parseLine(line: string): Line {
  const value: unknown = JSON.parse(line)
  if (!isRecord(value)) throw new Error(`a line that is no record: ${line}`)
  return value
}

/** The error that a line tells of, if it does. */
export function errorIn({ error }: Line): HayaiError | undefined {
  if (!isRecord(error)) return undefined
  const { code, message, hint, details } = error
  return new HayaiError(isCode(code) ? code : 'UNEXPECTED', String(message), {
    ...(typeof hint === 'string' ? { hint } : {}),
    ...(isRecord(details) ? { details } : {}),
  })
}

function isCode(value: unknown): value is Code {
  return typeof value === 'string' && Object.hasOwn(CODES, value)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What stands between the ends of lines, and after the last one, if anything does. */
export async function* linesIn(bytes: Bytes): AsyncGenerator<string, void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of bytes) {
    const pieces = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = pieces.pop() ?? ''
    yield* pieces
  }
  if (rest !== '') yield rest
}
