// Values as SQL text that gives them back exactly. DuckDB writes the text itself: for each column there is an expression that makes
// the literal of its value, so that no value passes through the types of another language on its way.

import type * as DuckDB from '@duckdb/node-api'
import type { DuckDBType } from '@duckdb/node-api'
import { HayaiError } from '../../base/errors.ts'
import { quoted, quotedText } from './connection.ts'

export function unwritable(what: string, why: string, cause?: unknown): HayaiError {
  return new HayaiError('TOOL_FAILED', `${what} cannot be written as SQL that gives it back: ${why}`, {
    hint: 'Take the snapshot as a file: --format db',
    cause,
  })
}

/**
 * `value` is an expression of that type; what comes out is an expression of its literal, which is never NULL itself. Undefined for
 * a type whose values cannot be read back exactly from any text.
 */
export function literalOf(module: typeof DuckDB, value: string, type: DuckDBType): string | undefined {
  try {
    return expression(module, value, type)
  } catch (error) {
    if (error instanceof UnknownType) return undefined
    throw error
  }
}

class UnknownType extends Error {}

/** Whole numbers that stand in a text as they are. What any other number means is decided by its column, and not by its digits. */
export function isBareNumber({ DuckDBTypeId: T }: typeof DuckDB, { typeId }: DuckDBType): boolean {
  return [T.TINYINT, T.SMALLINT, T.INTEGER, T.UTINYINT, T.USMALLINT, T.UINTEGER].some((each) => each === typeId)
}

function expression(module: typeof DuckDB, value: string, type: DuckDBType): string {
  const T = module.DuckDBTypeId
  const inner = (each: string, of: DuckDBType): string => expression(module, each, of)
  const orNull = (text: string): string => `CASE WHEN ${value} IS NULL THEN 'NULL' ELSE ${text} END`
  if (type.typeId === T.BOOLEAN || isBareNumber(module, type)) return `coalesce(CAST(${value} AS VARCHAR), 'NULL')`
  switch (type.typeId) {
    case T.BIGINT:
    case T.UBIGINT:
    case T.HUGEINT:
    case T.UHUGEINT:
    case T.BIGNUM:
    case T.DECIMAL:
    case T.FLOAT:
    case T.DOUBLE:
    case T.DATE:
    case T.TIME:
    case T.TIME_NS:
    case T.TIME_TZ:
    case T.TIMESTAMP:
    case T.TIMESTAMP_S:
    case T.TIMESTAMP_MS:
    case T.TIMESTAMP_NS:
    case T.UUID:
    case T.BIT:
      return orNull(concat(`''''`, `CAST(${value} AS VARCHAR)`, `''''`))
    case T.BLOB:
      return orNull(concat(`''''`, `replace(CAST(${value} AS VARCHAR), '''', '''''')`, `''''`))
    case T.VARCHAR:
    case T.ENUM:
      return orNull(text(`CAST(${value} AS VARCHAR)`))
    case T.TIMESTAMP_TZ:
      return orNull(instant(value))
    case T.INTERVAL:
      return orNull(interval(value))
    case T.LIST:
      return orNull(list(value, (each) => inner(each, type.valueType)))
    case T.ARRAY:
      return orNull(list(`CAST(${value} AS ${String(type.valueType)}[])`, (each) => inner(each, type.valueType)))
    case T.MAP: {
      const pair = (each: string): string => concat(inner(`${each}.key`, type.keyType), `': '`, inner(`${each}.value`, type.valueType))
      return orNull(concat(`'MAP {'`, joined(`map_entries(${value})`, pair), `'}'`))
    }
    case T.STRUCT: {
      const named = type.entryNames.some((name) => name !== '')
      const parts = type.entryTypes.map((of, at) => {
        const name = type.entryNames[at] ?? ''
        return named
          ? `${quotedText(`${at === 0 ? '' : ', '}${quotedText(name)}: `)}, ${inner(`struct_extract(${value}, ${quotedText(name)})`, of)}`
          : `${quotedText(at === 0 ? '' : ', ')}, ${inner(`struct_extract(${value}, ${at + 1})`, of)}`
      })
      return orNull(named ? concat(`'{'`, ...parts, `'}'`) : concat(`'row('`, ...parts, `')'`))
    }
    case T.UNION: {
      const cases = type.memberTags.map((tag, at) => {
        const member = type.memberTypes[at]
        if (member === undefined) throw new Error(`the union has no type for ${tag}`)
        const literal = inner(`union_extract(${value}, ${quotedText(tag)})`, member)
        const [before, after] = [quotedText(`CAST(union_value(${quoted(tag)} := `), quotedText(`) AS ${String(type)})`)]
        return `WHEN ${quotedText(tag)} THEN ${concat(before, literal, after)}`
      })
      return orNull(`CASE CAST(union_tag(${value}) AS VARCHAR) ${cases.join(' ')} ELSE error('a union is of none of its types') END`)
    }
    case T.GEOMETRY:
      return orNull(concat(`'ST_GeomFromWKB('''`, `replace(CAST(ST_AsWKB(${value}) AS VARCHAR), '''', '''''')`, `'''::BLOB)'`))
    default:
      throw new UnknownType(String(type))
  }
}

function list(value: string, literal: (each: string) => string): string {
  return concat(`'['`, joined(value, literal), `']'`)
}

/** At once, where `||` would copy all that comes before for each part. It takes NULL for nothing: no part may be NULL. */
export function concat(...parts: readonly string[]): string {
  return `concat(${parts.join(', ')})`
}

let given = 0

function joined(value: string, literal: (each: string) => string): string {
  const each = `each${++given}` // a name of its own in every depth
  return `array_to_string(list_transform(${value}, lambda ${each}: ${literal(each)}), ', ')`
}

// A line of the file is a row: the ends of lines in a text are written as signs, and a NUL, which no literal can hold, as bytes.
function text(value: string): string {
  const signs = [
    [String.raw`'\'`, String.raw`'\\'`],
    [`''''`, `''''''`],
    ['chr(10)', String.raw`'\n'`],
    ['chr(13)', String.raw`'\r'`],
  ] as const
  const escaped = signs.reduce((inner, [from, to]) => `replace(${inner}, ${from}, ${to})`, value)
  return `CASE
    WHEN contains(${value}, chr(0)) THEN ${concat(`'decode('''`, `replace(CAST(encode(${value}) AS VARCHAR), '''', '''''')`, `'''::BLOB)'`)}
    WHEN contains(${value}, chr(10)) OR contains(${value}, chr(13)) THEN ${concat(`'E'''`, escaped, `''''`)}
    WHEN contains(${value}, '''') THEN ${concat(`''''`, `replace(${value}, '''', '''''')`, `''''`)}
    ELSE ${concat(`''''`, value, `''''`)} END`
}

// Far from our days the text is a millisecond off (it is made by way of the calendar).
function instant(value: string): string {
  const plain = `CAST(${value} AS VARCHAR)`
  const exact = `TRY_CAST(${plain} AS TIMESTAMPTZ) IS NOT DISTINCT FROM ${value}`
  return `CASE WHEN ${exact} THEN ${concat(`''''`, plain, `''''`)} ELSE 'make_timestamptz(' || epoch_us(${value}) || ')' END`
}

// Some that can be stored are too long to be read back as a text: those are added up from their parts.
function interval(value: string): string {
  const part = (name: string): string => `CAST(date_part('${name}', ${value}) AS HUGEINT)`
  const months = `(${part('year')} * 12 + ${part('month')})`
  const microseconds = `(${part('hour')} * 3600000000 + ${part('minute')} * 60000000 + ${part('microsecond')})`
  const sum = `'(to_months(' || ${months} || ') + to_days(CAST(' || ${part('day')} || ' AS INTEGER)) + to_microseconds(' || ${microseconds} || '))'`
  const plain = `CAST(${value} AS VARCHAR)`
  return `CASE WHEN TRY_CAST(${plain} AS INTERVAL) IS NULL THEN ${sum} ELSE ${concat(`''''`, plain, `''''`)} END`
}
