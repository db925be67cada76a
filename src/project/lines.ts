// A text as lines, by offsets: what edits of `.hayaidb` need in order to leave every other byte as it is.

export interface Splice {
  readonly start: number
  readonly end: number
  readonly text: string
}

export function spliced(text: string, splices: readonly Splice[]): string {
  let result = text
  for (const { start, end, text: put } of splices.toSorted((a, b) => b.start - a.start))
    result = result.slice(0, start) + put + result.slice(end)
  return result
}

/** The line ending that the text uses. */
export function lineEnding(text: string): '\n' | '\r\n' {
  return /^[^\n]*\r\n/.test(text) ? '\r\n' : '\n'
}

export function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1
}

/** Where the next line begins; the end of the text when there is none. */
export function nextLine(text: string, offset: number): number {
  const end = text.indexOf('\n', offset)
  return end === -1 ? text.length : end + 1
}

export function lineAt(text: string, start: number): string {
  return text.slice(start, nextLine(text, start)).replace(/\r?\n$/, '')
}

export function isBlankLine(text: string, start: number): boolean {
  return lineAt(text, start).trim() === ''
}

/** From the start of a line on: behind the last comment that is indented by at least `column` and stands before any content. */
export function afterComments(text: string, from: number, column: number): number {
  let end = from
  for (let at = from; at < text.length; at = nextLine(text, at)) {
    const line = lineAt(text, at)
    const comment = /^\s*(?=#)/.exec(line)
    if (comment !== null && comment[0].length >= column) end = nextLine(text, at)
    else if (line.trim() !== '') break
    else continue
  }
  return end
}

/** Whether the block of lines that begins here (comments above it included) is set apart from what is above by a blank line. */
export function isSetApart(text: string, start: number): boolean {
  let at = start
  while (at > 0) {
    at = lineStart(text, at - 1)
    if (isBlankLine(text, at)) return true
    if (!lineAt(text, at).trimStart().startsWith('#')) return false
  }
  return false
}

export function indented(lines: string, column: number, ending: string): string {
  const pad = ' '.repeat(column)
  return lines
    .split('\n')
    .map((line) => (line === '' ? '' : pad + line))
    .join(ending)
}

export function dedented(lines: string, column: number): string {
  return lines
    .replace(/\r?\n$/, '')
    .split(/\r?\n/)
    .map((line) => line.slice(Math.min(column, line.length - line.trimStart().length)))
    .join('\n')
}
