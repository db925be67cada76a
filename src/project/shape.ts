// Checks that JSON from disk has the shape a type says. Written by hand because the catalog is read by every command:
// loading a schema library for it would cost more than all the rest of `hayai list`.

/** Returns the value when it fits, else throws a Flaw that names the place. */
export type Shape<T> = (value: unknown, where: string) => T

export class Flaw extends Error {
  constructor(where: string, expected: string) {
    super(`${where === '' ? 'the whole' : where} is not ${expected}`)
    this.name = 'Flaw'
  }
}

/** What is wrong with a JSON text, without the piece of it that JSON.parse quotes: it may be a secret. */
export function syntaxFlaw(error: SyntaxError, content: string): string {
  if (content.trim() === '') return 'it is empty'
  const place = /line (\d+) column (\d+)/.exec(error.message)
  if (place !== null) return `it is not JSON at line ${place[1]}, column ${place[2]}`
  return /[}\]]\s*$/.test(content) ? 'it is not JSON' : 'it is not JSON, or not all of it'
}

export const text: Shape<string> = (value, where) => {
  if (typeof value !== 'string') throw new Flaw(where, 'a text')
  return value
}

export function matching(pattern: RegExp, what: string): Shape<string> {
  return (value, where) => {
    if (typeof value !== 'string' || !pattern.test(value)) throw new Flaw(where, what)
    return value
  }
}

export const instant: Shape<string> = (value, where) => {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT/.test(value) || Number.isNaN(Date.parse(value))) throw new Flaw(where, 'a time')
  return value
}

export function whole(least: number, most: number): Shape<number> {
  return (value, where) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
      throw new Flaw(where, `a whole number from ${least} to ${most}`)
    }
    return value
  }
}

export function oneOf<const T extends string | number>(...values: readonly T[]): Shape<T> {
  return (value, where) => {
    const found = values.find((each) => each === value)
    if (found === undefined) throw new Flaw(where, values.length === 1 ? String(values[0]) : `one of ${values.join(', ')}`)
    return found
  }
}

export function orNull<T>(shape: Shape<T>): Shape<T | null> {
  return (value, where) => (value === null ? null : shape(value, where))
}

export function orAbsent<T>(shape: Shape<T>): Shape<T | undefined> {
  return (value, where) => (value === undefined ? undefined : shape(value, where))
}

export function list<T>(shape: Shape<T>): Shape<readonly T[]> {
  return (value, where) => {
    if (!Array.isArray(value)) throw new Flaw(where, 'a list')
    return value.map((each: unknown, index) => shape(each, `${where}[${index}]`))
  }
}

/** Without a prototype, so that no name (`constructor`) is there before it was put there. */
export function emptyRecord<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T> // empty, so it holds nothing that is not a T
}

export function record<T>(keys: RegExp, shape: Shape<T>): Shape<Readonly<Record<string, T>>> {
  return (value, where) => {
    const result = emptyRecord<T>()
    for (const [key, each] of Object.entries(plain(value, where))) {
      if (!keys.test(key)) throw new Flaw(`${where}: the name ${JSON.stringify(key)}`, 'allowed')
      result[key] = shape(each, `${where}.${key}`)
    }
    return result
  }
}

/** Keys that the type does not know are kept: a newer Hayai may have written them. */
export function object<T extends object>(shapes: { readonly [K in keyof T]: Shape<T[K]> }): Shape<T> {
  return (value, where) => {
    const result: Record<string, unknown> = { ...plain(value, where) }
    for (const [key, shape] of Object.entries<Shape<unknown>>(shapes))
      result[key] = shape(result[key], where === '' ? key : `${where}.${key}`)
    return result as T // every key of T was checked above
  }
}

export const anyObject: Shape<Readonly<Record<string, unknown>>> = (value, where) => plain(value, where)

function plain(value: unknown, where: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Flaw(where, 'an object')
  return value as Record<string, unknown> // an object of JSON has string keys only
}
