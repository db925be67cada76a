// What is wrong with a `.hayaidb` and where: file, line, column, and the line itself with a caret below the place.
// The file may hold passwords, so the values of variables are never quoted: neither in a sentence nor in an excerpt.

import { HayaiError } from '../base/errors.ts'

/** A place in the text, as offsets. */
export interface Span {
  readonly start: number
  readonly end: number
}

export interface Problem {
  readonly line: number
  readonly column: number
  /** What is wrong, with the offending value and, where there is one, the nearest right word. */
  readonly message: string
  /** The nearest right word. */
  readonly suggestion?: string
  readonly excerpt: string
}

export interface Finding {
  readonly span: Span
  readonly message: string
  readonly suggestion?: string | undefined
}

const SHOWN = 10

/** All problems in one error: each on a line of its own, the first one first, with its excerpt below. */
export function invalid(file: string, source: Source, findings: readonly Finding[]): HayaiError {
  const ordered = findings.toSorted((a, b) => a.span.start - b.span.start)
  const problems = ordered.map((finding) => source.problem(finding))
  const told = problems.slice(0, SHOWN).map(({ line, column, message, excerpt }) => `${file}:${line}:${column}: ${message}\n${excerpt}`)
  const more = problems.length > SHOWN ? [`and ${problems.length - SHOWN} more`] : []
  return new HayaiError('CONFIG_INVALID', [...told, ...more].join('\n'), {
    hint: `Correct ${file}, then run \`hayai validate\`.`,
    details: { file, problems },
  })
}

export interface Source {
  readonly position: (offset: number) => { readonly line: number; readonly column: number }
  readonly problem: (finding: Finding) => Problem
}

export function sourceOf(text: string): Source {
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''))
  const starts: number[] = []
  for (let at = 0; at !== -1 && starts.length < lines.length; at = text.indexOf('\n', at) + 1) starts.push(at)
  const position = (offset: number) => {
    const index = Math.max(
      0,
      starts.findLastIndex((start) => start <= offset),
    )
    return { line: index + 1, column: offset - (starts[index] ?? 0) + 1 }
  }
  return {
    position,
    problem: ({ span, message, suggestion }) => {
      const { line, column } = position(Math.min(span.start, text.length))
      const excerpt = excerptOf(lines, line, column, span.end - span.start)
      return { line, column, message, ...(suggestion === undefined ? {} : { suggestion }), excerpt }
    },
  }
}

function excerptOf(lines: readonly string[], line: number, column: number, length: number): string {
  const shown = concealed(lines, line - 1)
    .replaceAll('\t', ' ')
    .slice(0, 200)
  const at = Math.min(column - 1, shown.length)
  const number = String(line).padStart(5)
  return `${number} | ${shown}\n${' '.repeat(number.length)} | ${' '.repeat(at)}${'^'.repeat(Math.max(1, Math.min(length, shown.length - at)))}`
}

const DOTS = '••••••••'
const SENSITIVE = /pass|pwd|secret|token|credential|auth|key|environment/i

/** A line of the text, without the value when it is one of `environment:` or its key sounds like a secret. */
function concealed(lines: readonly string[], index: number): string {
  const line = lines[index] ?? ''
  if (!inEnvironment(lines, index) && !SENSITIVE.test(line)) return line
  const key = /^(\s*(?:- )?(?:"[^"]*"|'[^']*'|[^\s:#{"'][^:#{]*?)\s*:)(?=\s|$)/.exec(line)?.[1]
  if (key === undefined) return `${/^\s*/.exec(line)?.[0] ?? ''}${line.trim() === '' ? '' : DOTS}`
  return line.trimEnd() === key ? line : `${key} ${DOTS}`
}

// By the lines alone, because the text may not be YAML: the nearest line that is less indented, and so on upwards.
function inEnvironment(lines: readonly string[], index: number): boolean {
  const indent = (line: string) => line.length - line.trimStart().length
  let depth = (lines[index] ?? '').trim() === '' ? Infinity : indent(lines[index] ?? '')
  for (let above = index - 1; above >= 0 && depth > 0; above--) {
    const line = lines[above] ?? ''
    if (line.trim() === '' || indent(line) >= depth) continue
    if (/^\s*["']?environment["']?\s*:/i.test(line)) return true
    depth = indent(line)
  }
  return false
}
