// Where answers and errors become lines. Text is for people: colour only on a terminal. With --json there is exactly one
// document on standard output, whatever happens.

import { styleText } from 'node:util'
import { HayaiError } from '../index.ts'

export interface Style {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
  readonly warn: (text: string) => string
}

/** Colours where the stream is a terminal that shows them and NO_COLOR is not set; else the text as it is. */
export function styleFor(stream: NodeJS.WriteStream): Style {
  const as = (format: Parameters<typeof styleText>[0]) => (text: string) => styleText(format, text, { stream })
  return { bold: as('bold'), dim: as('dim'), good: as('green'), bad: as('red'), warn: as('yellow') }
}

export interface Failure {
  readonly code: string
  readonly message: string
  readonly hint: string | null
  readonly details?: Readonly<Record<string, unknown>>
}

/** What is said of an error. Whatever is not a HayaiError is a bug, and is said to be one. */
export function failureOf(error: unknown): Failure {
  if (error instanceof HayaiError) {
    const { code, message, hint, details } = error
    return { code, message, hint: hint ?? null, ...(details === undefined ? {} : { details }) }
  }
  const message = error instanceof Error ? error.message : String(error)
  const again = 'Please report it, with what HAYAI_DEBUG=1 shows in addition.'
  return { code: 'UNEXPECTED', message: `this is a bug in Hayai: ${message}`, hint: again }
}

export function failureText(failure: Failure, error: unknown, style: Style): string {
  const lines = [`${style.bad('error:')} ${failure.message}`]
  if (failure.hint !== null) lines.push(`${style.warn('hint:')} ${failure.hint}`)
  if (failure.code === 'UNEXPECTED' && process.env['HAYAI_DEBUG'] === '1' && error instanceof Error) lines.push(error.stack ?? '')
  return lines.join('\n')
}

export function jsonAnswer(command: string, data: unknown): string {
  return JSON.stringify({ ok: true, command, data }, null, 2)
}

export function jsonFailure(command: string, error: Failure): string {
  return JSON.stringify({ ok: false, command, error }, null, 2)
}

/** One line on standard error that is written again and again, or nothing where nobody looks. */
export interface StatusLine {
  show(text: string): void
  clear(): void
}

export function statusLine(stream: NodeJS.WriteStream, wanted: boolean): StatusLine {
  let shown = false
  if (!wanted || !stream.isTTY) return { show: () => {}, clear: () => {} }
  return {
    show(text) {
      shown = true
      stream.write(`\r\u001B[2K${text.slice(0, (stream.columns || 80) - 1)}`)
    },
    clear() {
      if (shown) stream.write('\r\u001B[2K')
      shown = false
    },
  }
}
