// Edits of mappings in braces: `{ a: ..., b: ... }`, and JSON, which is YAML too.

import { isScalar, stringify, type CST, type YAMLMap } from 'yaml'
import { pairOf, spanOf } from './document.ts'
import { lineEnding, lineStart, type Splice } from './lines.ts'

/** What stands between the braces. */
export function entryIn(text: string, map: YAMLMap): string {
  const { start, end } = spanOf(map)
  return text.slice(start + 1, end - 1)
}

/** One more pair at the end, written as the others are. */
export function flowInsertion(text: string, map: YAMLMap, key: string, value: unknown): readonly Splice[] {
  const last = map.items.at(-1)
  const isJson = isScalar(last?.key) ? last.key.type === 'QUOTE_DOUBLE' : text.trimStart().startsWith('{')
  const written = isJson
    ? `${JSON.stringify(key)}: ${JSON.stringify(value)}`
    : stringify({ [key]: value }, { collectionStyle: 'flow', lineWidth: 0 })
        .trim()
        .slice(1, -1)
        .trim()
  if (last === undefined) {
    const at = spanOf(map).start + 1
    return [{ start: at, end: at, text: written }]
  }
  const keyStart = spanOf(last.key).start
  const before = text.slice(lineStart(text, keyStart), keyStart)
  const at = spanOf(last.value).end
  return [{ start: at, end: at, text: `,${before.trim() === '' ? lineEnding(text) + before : ' '}${written}` }]
}

/** A pair and one comma away; comments stay. */
export function flowCut(text: string, map: YAMLMap, key: string): readonly Splice[] {
  const pair = pairOf(map.items, key)
  const token = map.srcToken
  if (pair === undefined || token?.type !== 'flow-collection') return []
  const { start } = spanOf(pair.key)
  const { end } = spanOf(pair.value)
  const index = map.items.indexOf(pair)
  // The comma behind the pair; of the last pair, which may have none, the one before it.
  const comma = commaIn(token, index + 1) ?? (index > 0 ? commaIn(token, index) : undefined)
  const spaces = /^[ \t]*/.exec(text.slice(comma !== undefined && comma >= end ? comma + 1 : end))?.[0].length ?? 0
  if (comma === undefined) return [{ start, end, text: '' }]
  if (comma < start)
    return [
      { start: comma, end: comma + 1, text: '' },
      { start: onlySpaces(text, comma + 1, start), end, text: '' },
    ]
  return [
    { start, end, text: '' },
    { start: comma, end: comma + 1 + spaces, text: '' },
  ]
}

function commaIn(token: CST.FlowCollection, index: number): number | undefined {
  return token.items[index]?.start.find(({ type }) => type === 'comma')?.offset
}

/** `from` when nothing but spaces and line breaks lie between, else `to`. */
function onlySpaces(text: string, from: number, to: number): number {
  return text.slice(from, to).trim() === '' ? from : to
}
