// `.hayaidb` as a YAML document: parsed with every place kept, its syntax errors told in words that quote no value.

import { isAlias, isMap, isNode, isPair, isScalar, isSeq, parseDocument, visit, type Document, type ErrorCode, type Pair } from 'yaml'
import { messageOf } from '../base/errors.ts'
import { invalid, sourceOf, type Finding, type Source, type Span } from './problems.ts'

export type Path = readonly (string | number)[]

export interface Parsed {
  readonly text: string
  readonly source: Source
  readonly document: Document
  /** As plain values; a number that is not written the usual way (`15.10`, `007`) is the text that was written. */
  readonly plain: unknown
}

/** Throws CONFIG_INVALID with every problem when the text is not one YAML document. */
export function parseYaml(text: string, file: string): Parsed {
  const source = sourceOf(text)
  const document = parseDocument(text, { keepSourceTokens: true, prettyErrors: false, merge: true })
  const findings: Finding[] = [...document.errors, ...document.warnings].map(({ code, message, pos: [start, end] }) => {
    const key = code === 'DUPLICATE_KEY' ? (/^["']?([\w.-]+)/.exec(text.slice(start))?.[0] ?? '') : ''
    const spaces = code === 'BAD_INDENT' ? (/^ */.exec(text.slice(start))?.[0].length ?? 0) : 0 // point at the word, not before it
    return {
      span: { start: start + spaces, end: Math.max(end, start + key.length) },
      message: sayError(code, message, key.replace(/^["']/, '')),
    }
  })
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document) === undefined)
        findings.push({ span: spanOf(alias), message: 'this alias (*) stands for nothing: quote the value if it begins with "*"' })
    },
    Scalar(_key, scalar) {
      const { source: written, value } = scalar
      if (typeof value === 'bigint' || (typeof value === 'number' && written !== undefined && written !== String(value)))
        scalar.value = written
    },
  })
  if (findings.length > 0) throw invalid(file, source, findings)
  try {
    const plain: unknown = document.toJS()
    return { text, source, document, plain }
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error
    throw invalid(file, source, [{ span: { start: 0, end: 0 }, message: `the aliases cannot be followed: ${messageOf(error)}` }])
  }
}

/** Where the value of a path stands, or its key; of a path that is not written there, its nearest parent. */
export function place(document: Document, path: Path, what: 'key' | 'value'): Span {
  let node: unknown = document.contents
  let span = spanOf(node)
  for (const [index, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document)
    const pair = isMap(node) ? pairOf(node.items, String(step)) : undefined
    const next: unknown = isSeq(node) ? node.items[Number(step)] : pair?.value
    if (pair === undefined && !isNode(next)) return span
    const last = index === path.length - 1
    const empty = !isNode(next) || (isScalar(next) && next.source === '')
    span = pair !== undefined && ((last && what === 'key') || empty) ? spanOf(pair.key) : spanOf(next)
    node = next
  }
  return span
}

export function pairOf(items: readonly unknown[], key: string): Pair | undefined {
  return items.find((item): item is Pair => isPair(item) && String(isScalar(item.key) ? item.key.value : item.key) === key)
}

export function spanOf(node: unknown): Span {
  const range = isNode(node) ? node.range : undefined
  return { start: range?.[0] ?? 0, end: range?.[1] ?? 0 }
}

// The parser's own words, where they can never hold a piece of the text; ours, where they can.
function sayError(code: ErrorCode, message: string, key: string): string {
  switch (code) {
    case 'DUPLICATE_KEY':
      return `the key "${key}" is there a second time`
    case 'TAG_RESOLVE_FAILED':
      return 'this tag (!) is not known: quote the value if it begins with "!"'
    case 'BAD_SCALAR_START':
      return 'a value cannot begin with this sign: quote it'
    case 'BAD_ALIAS':
      return 'this is not a good name of an anchor or alias: quote the value if it begins with "&" or "*"'
    case 'BAD_DQ_ESCAPE':
      return 'this is no escape sequence: write \\\\ for a backslash, or use single quotes'
    case 'BAD_PROP_ORDER':
    case 'UNEXPECTED_TOKEN':
      return 'this does not belong here: a quote, bracket, comma or line break is missing before it, or is too many'
    case 'BAD_DIRECTIVE':
      return 'this directive (%) is not known'
    case 'BAD_COLLECTION_TYPE':
      return 'this tag (!) does not fit what follows'
    case 'TAB_AS_INDENT':
      return 'tabs are not allowed as indentation: use spaces'
    case 'MULTIPLE_DOCS':
      return 'a second document begins here: the file is one document'
    default:
      return `${message.charAt(0).toLowerCase()}${message.slice(1)}`
  }
}
