// `global.backup.recipients` of `.hayaidb`, edited in place: one more recipient, and every other line as it was.

import { isDeepStrictEqual } from 'node:util'
import { isMap, isSeq, type YAMLMap, type YAMLSeq } from 'yaml'
import { HayaiError, isCode } from '../base/errors.ts'
import { parseYaml, pairOf, spanOf } from './document.ts'
import { columnOf, insertion, inserted, lineAfter } from './edit.ts'
import { flowInsertion } from './flow.ts'
import { indented, lineEnding, lineStart, spliced, type Splice } from './lines.ts'
import { CONFIG_NAME } from './paths.ts'

const PATH = ['global', 'backup', 'recipients'] as const

/** CONFLICT when it cannot be done without changing other lines. */
export function addRecipient(text: string, recipient: string): string {
  const before = objectIn(text)
  const there = recipientsIn(before)
  if (there.includes(recipient)) return text
  const wanted = withRecipients(before, [...there, recipient])
  const result = spliced(text, splices(text, recipient))
  if (means(result, wanted)) return result
  throw new HayaiError('CONFLICT', `a recipient cannot be added to ${CONFIG_NAME} without changing other lines`, {
    hint: `Add it by hand:\nglobal:\n  backup:\n    recipients:\n      - ${recipient}`,
  })
}

/** As far down as the mappings are there; below, lines of its own. */
function splices(text: string, recipient: string): readonly Splice[] {
  let node: unknown = parseYaml(text, CONFIG_NAME).document.contents
  if (!isMap(node)) return [inserted(text, text.length, linesFrom(0, recipient).replaceAll('\n', lineEnding(text)))]
  let depth = 0
  for (; depth < PATH.length; depth++) {
    const next = isMap(node) ? pairOf(node.items, PATH[depth] ?? '')?.value : undefined
    if (!isMap(next) && !isSeq(next)) break
    node = next
  }
  if (isSeq(node)) return oneMore(text, node, recipient)
  return isMap(node) ? [...below(text, node, depth, recipient)] : []
}

function below(text: string, map: YAMLMap, depth: number, recipient: string): readonly Splice[] {
  if (map.flow !== true) return [insertion(text, map, linesFrom(depth, recipient))]
  const value = PATH.slice(depth + 1).reduceRight<unknown>((inner, key) => ({ [key]: inner }), [recipient])
  return flowInsertion(text, map, PATH[depth] ?? '', value)
}

function oneMore(text: string, list: YAMLSeq, recipient: string): readonly Splice[] {
  const last = list.items.at(-1)
  if (list.flow === true) {
    const at = last === undefined ? spanOf(list).start + 1 : spanOf(last).end
    return [{ start: at, end: at, text: `${last === undefined ? '' : ', '}"${recipient}"` }]
  }
  const start = lineStart(text, spanOf(last).start)
  const column = /^\s*/.exec(text.slice(start))?.[0].length ?? columnOf(text, spanOf(last).start)
  return [inserted(text, lineAfter(text, last), indented(`- ${recipient}`, column, lineEnding(text)))]
}

/** The keys from here on, each below the one before it. */
function linesFrom(depth: number, recipient: string): string {
  const keys = PATH.slice(depth).map((key, at) => `${'  '.repeat(at)}${key}:`)
  return [...keys, `${'  '.repeat(keys.length)}- ${recipient}`].join('\n')
}

type Plain = Readonly<Record<string, unknown>>

function objectIn(text: string): Plain {
  return asObject(parseYaml(text, CONFIG_NAME).plain)
}

function asObject(value: unknown): Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Plain) : {}
}

function recipientsIn(config: Plain): readonly unknown[] {
  const found = asObject(asObject(config['global'])['backup'])['recipients']
  return Array.isArray(found) ? found : []
}

function withRecipients(config: Plain, recipients: readonly unknown[]): Plain {
  const global = asObject(config['global'])
  return { ...config, global: { ...global, backup: { ...asObject(global['backup']), recipients } } }
}

function means(text: string, wanted: Plain): boolean {
  try {
    return isDeepStrictEqual(objectIn(text), wanted)
  } catch (error) {
    if (isCode(error, 'CONFIG_INVALID')) return false
    throw error
  }
}
