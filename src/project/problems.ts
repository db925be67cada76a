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
  const rows = text.split('\n')
  const lines = rows.map((row) => row.replace(/^\uFEFF|\r$/g, ''))
  const starts: number[] = []
  let next = 0
  for (const row of rows) {
    starts.push(next)
    next += row.length + 1
  }
  if (text.startsWith('\uFEFF')) starts[0] = 1 // a byte order mark takes no place
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
const SENSITIVE = /pass|pwd|secret|token|credential|auth|key|environment|webhook|slack|ntfy|smtp|\bping\b|:\/\//i
const KEY = /^\s*(?:- )?(?:"[^"]*"|'[^']*'|[^\s:#{"'][^:#{]*?)\s*:(?=\s|$)/
const VARIABLE = /^\s*["']?[A-Z_][A-Z0-9_]*["']?\s*:$/

/** A line of the text, without the value when it is one of `environment:` or sounds like a secret. */
function concealed(lines: readonly string[], index: number): string {
  const line = lines[index] ?? ''
  const inside = inEnvironment(lines, index)
  if ((!inside && !SENSITIVE.test(line)) || line.trim() === '') return line
  const key = KEY.exec(line)?.[0]
  if (key !== undefined && (!inside || VARIABLE.test(key))) return line.trimEnd() === key ? line : `${key} ${DOTS}`
  return `${/^\s*/.exec(line)?.[0] ?? ''}${DOTS}`
}

// By the lines alone, because the text may not be YAML: from `environment:` on, up to a key that is indented no more than that.
function inEnvironment(lines: readonly string[], index: number): boolean {
  let depth: number | undefined
  for (const line of lines.slice(0, index + 1)) {
    const indent = line.length - line.trimStart().length
    if (depth !== undefined && indent <= depth && KEY.test(line)) depth = undefined
    if (/environment["']?\s*:/i.test(line)) depth = indent
  }
  return depth !== undefined
}
