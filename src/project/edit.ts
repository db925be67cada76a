// Edits of `.hayaidb` in place. Only the lines of the one database change; comments, blank lines, order and quotes of all the
// rest stay byte for byte. Every edit is read again before it is given back: it says what was meant, or it is refused.

import { isDeepStrictEqual } from 'node:util'
import { isMap, isScalar, stringify, type YAMLMap } from 'yaml'
import { HayaiError, isCode } from '../base/errors.ts'
import { checkName } from '../base/names.ts'
import type { KeptDeclaration } from './catalog.ts'
import { parseYaml, pairOf, spanOf, type Parsed } from './document.ts'
import { entryIn, flowCut, flowInsertion } from './flow.ts'
import {
  afterComments,
  dedented,
  indented,
  isBlankLine,
  isSetApart,
  lineEnding,
  lineStart,
  nextLine,
  spliced,
  type Splice,
} from './lines.ts'
import { CONFIG_NAME } from './paths.ts'
import { invalid } from './problems.ts'

type Entry = Readonly<Record<string, unknown>>

/**
 * The text with one more database. `source` are the lines that once declared it, to bring their comments back; the entry counts
 * when they say something else by now. CONFLICT when the text declares that name already.
 */
export function addDatabase(text: string, name: string, entry: Entry, source: string | null = null): string {
  checkName(name)
  const parsed = parseYaml(text, CONFIG_NAME)
  const { rest, databases } = meaningOf(parsed)
  if (Object.hasOwn(databases, name)) {
    throw new HayaiError('CONFLICT', `${CONFIG_NAME} declares "${name}" already`, { hint: 'Choose another name, or edit the file.' })
  }
  const plain: unknown = JSON.parse(JSON.stringify(entry))
  const version = text.trim() === '' ? { version: '1.0' } : {}
  const wanted = { ...version, ...rest, databases: { ...databases, [name]: plain } }
  const step = stepOf(parsed) ?? /\n( +)\S/.exec(source ?? '')?.[1]?.length ?? 2
  const written = stringify({ [name]: plain }, { lineWidth: 0, indent: step }).trimEnd()
  for (const lines of source === null ? [written] : [source, written]) {
    const result = spliced(text, addition(parsed, { name, entry: plain, lines, step }))
    if (means(result, wanted)) return result
  }
  throw refused(`"${name}" cannot be added to ${CONFIG_NAME} without changing other lines`, `Add it by hand:\n${written}`)
}

/** The text without that database. NOT_FOUND when the text does not declare it. */
export function removeDatabase(text: string, name: string): string {
  const parsed = parseYaml(text, CONFIG_NAME)
  const { rest, databases } = meaningOf(parsed)
  if (!Object.hasOwn(databases, name)) {
    throw new HayaiError('NOT_FOUND', `${CONFIG_NAME} does not declare "${name}"`, {
      hint: 'Run `hayai list` to see the databases there are.',
    })
  }
  const { [name]: _, ...others } = databases
  const map = databasesOf(parsed)
  if (isMap(map)) {
    const lines = map.flow === true ? undefined : linesOf(text, map, name)
    const result = spliced(text, lines === undefined ? flowCut(text, map, name) : [{ ...lines, text: '' }])
    if (means(result, { ...rest, databases: others })) return result
  }
  throw refused(
    `"${name}" cannot be taken out of ${CONFIG_NAME} without changing other lines`,
    'Take it out by hand; other entries may refer to it.',
  )
}

/** The text with one value of a database's entry set. CONFLICT when that cannot be done without changing other lines. */
export function setValue(text: string, name: string, key: string, value: string): string {
  const parsed = parseYaml(text, CONFIG_NAME)
  const { rest, databases } = meaningOf(parsed)
  const map = databasesOf(parsed)
  const entry = isMap(map) ? pairOf(map.items, name)?.value : undefined
  if (isMap(entry)) {
    const wanted = { ...rest, databases: { ...databases, [name]: { ...mappingOf(parsed, databases[name]), [key]: value } } }
    const there = pairOf(entry.items, key)?.value
    const result = spliced(
      text,
      isScalar(there) ? [{ ...spanOf(there), text: JSON.stringify(value) }] : insertionOf(text, entry, key, value),
    )
    if (means(result, wanted)) return result
  }
  throw refused(`"${name}" cannot be changed in ${CONFIG_NAME} without changing other lines`, `Write it there by hand: ${key}: "${value}".`)
}

function insertionOf(text: string, entry: YAMLMap, key: string, value: string): readonly Splice[] {
  return entry.flow === true ? flowInsertion(text, entry, key, value) : [insertion(text, entry, `${key}: ${JSON.stringify(value)}`)]
}

/** What the text says of a database, in meaning and in its very lines; null when it does not declare it. */
export function declarationOf(text: string, name: string): KeptDeclaration | null {
  const parsed = parseYaml(text, CONFIG_NAME)
  const { databases } = meaningOf(parsed)
  const map = databasesOf(parsed)
  if (!Object.hasOwn(databases, name)) return null
  const lines = isMap(map) && map.flow !== true ? linesOf(text, map, name) : undefined
  return {
    entry: { ...mappingOf(parsed, databases[name]) },
    source: lines === undefined ? null : dedented(text.slice(lines.start, lines.end), columnOf(text, lines.key)),
  }
}

interface Addition {
  readonly name: string
  readonly entry: unknown
  /** The entry as lines of a block mapping, not indented. */
  readonly lines: string
  readonly step: number
}

function addition(parsed: Parsed, { name, entry, lines, step }: Addition): readonly Splice[] {
  const { text, document } = parsed
  const root = document.contents
  const section = `databases:\n${indented(lines, step, '\n')}`
  if (!isMap(root))
    return [inserted(text, text.length, (text.trim() === '' ? `version: "1.0"\n${section}` : section).replaceAll('\n', lineEnding(text)))]
  const map = databasesOf(parsed)
  if (root.flow === true && map === undefined) return flowInsertion(text, root, 'databases', { [name]: entry })
  if (isMap(map) && map.flow !== true) return [insertion(text, map, lines)]
  if (isMap(map) && (root.flow === true || map.items.length > 0 || /[\n#]/.test(entryIn(text, map))))
    return flowInsertion(text, map, name, entry)
  const key = pairOf(root.items, 'databases')?.key
  if (key === undefined) return [insertion(text, root, section)]
  // `databases:` with nothing, or `{}`, or `null`: what stands there goes, and the entry stands below.
  const { start, end } = isMap(map) || (isScalar(map) && map.source !== '') ? spanOf(map) : { start: spanOf(key).end, end: spanOf(key).end }
  const column = columnOf(text, spanOf(key).start)
  const below = afterComments(text, nextLine(text, end), column + 1)
  const gap = start === end ? 0 : (/[ \t]*$/.exec(text.slice(0, start))?.[0].length ?? 0)
  return [{ start: start - gap, end, text: '' }, inserted(text, below, indented(lines, column + step, lineEnding(text)))]
}

/** By how much the file indents: its databases if it has any, else its other sections. */
function stepOf(parsed: Parsed): number | undefined {
  for (const map of [databasesOf(parsed), parsed.document.contents]) {
    if (!isMap(map) || map.flow === true) continue
    for (const { key, value } of map.items) {
      if (!isMap(value) || value.flow === true) continue
      const step = columnOf(parsed.text, spanOf(value.items[0]?.key).start) - columnOf(parsed.text, spanOf(key).start)
      if (step > 0) return step
    }
  }
  return undefined
}

/** Behind the last entry of a block mapping and the comments that follow it there. */
export function insertion(text: string, map: YAMLMap, lines: string): Splice {
  const keys = map.items.map(({ key }) => spanOf(key).start)
  const last = keys.at(-1) ?? 0
  const column = columnOf(text, last)
  const at = afterComments(text, lineAfter(text, map), column)
  const apart = keys.length > 1 && isSetApart(text, lineStart(text, last))
  const body = indented(lines, column, lineEnding(text))
  if (!apart) return inserted(text, at, body)
  const free = at < text.length && isBlankLine(text, at) && (nextLine(text, at) === text.length || isBlankLine(text, nextLine(text, at)))
  return free ? inserted(text, nextLine(text, at), body) : inserted(text, at, lineEnding(text) + body)
}

export function inserted(text: string, at: number, body: string): Splice {
  const cut = at === text.length && text !== '' && !text.endsWith('\n') // the last line has no end
  return { start: at, end: at, text: cut ? lineEnding(text) + body : body + lineEnding(text) }
}

/** The lines of one entry of a block mapping, with the comments that are indented below its key. */
function linesOf(
  text: string,
  map: YAMLMap,
  name: string,
): { readonly start: number; readonly end: number; readonly key: number } | undefined {
  const pair = pairOf(map.items, name)
  if (pair === undefined) return undefined
  const key = spanOf(pair.key).start
  const start = lineStart(text, key)
  if (text.slice(start, key).trim() !== '') return undefined
  return { start, end: afterComments(text, lineAfter(text, pair.value, pair.key), columnOf(text, key) + 1), key }
}

/** The start of the line behind the last content of a node; of `otherwise` where the node is empty. */
export function lineAfter(text: string, node: unknown, otherwise?: unknown): number {
  if (isMap(node) && node.flow !== true) {
    const last = node.items.at(-1)
    return last === undefined ? lineAfter(text, otherwise) : lineAfter(text, last.value, last.key)
  }
  if (isScalar(node) && node.source === '' && otherwise !== undefined) return lineAfter(text, otherwise)
  const { start, end } = spanOf(node)
  const isBlock = isScalar(node) && (node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED')
  if (isBlock && /^[|>]\d?\+/.test(text.slice(start))) return end // the blank lines at its end belong to it
  return nextLine(text, start + text.slice(start, end).trimEnd().length)
}

export function columnOf(text: string, offset: number): number {
  const start = lineStart(text, offset)
  return offset - start - (start === 0 && text.startsWith('\uFEFF') ? 1 : 0) // a byte order mark takes no place
}

function databasesOf({ document }: Parsed): unknown {
  const root = document.contents
  return isMap(root) ? (pairOf(root.items, 'databases')?.value ?? undefined) : undefined
}

interface Meaning {
  readonly rest: Entry
  readonly databases: Entry
}

function meaningOf(parsed: Parsed): Meaning {
  const { databases, ...rest } = mappingOf(parsed, parsed.plain)
  return { rest, databases: mappingOf(parsed, databases) }
}

function mappingOf(parsed: Parsed, value: unknown): Entry {
  if (value === undefined || value === null) return {}
  if (typeof value === 'object' && !Array.isArray(value)) return value as Entry // YAML keys are text in plain values
  throw invalid(CONFIG_NAME, parsed.source, [{ span: spanOf(databasesOf(parsed)), message: 'a mapping is needed here' }])
}

function means(text: string, wanted: Entry): boolean {
  try {
    const { rest, databases } = meaningOf(parseYaml(text, CONFIG_NAME))
    return isDeepStrictEqual({ ...rest, databases }, wanted)
  } catch (error) {
    if (isCode(error, 'CONFIG_INVALID')) return false
    throw error
  }
}

function refused(message: string, hint: string): HayaiError {
  return new HayaiError('CONFLICT', message, { hint })
}
