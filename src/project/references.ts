// Values of `environment:` that stand for others: `${NAME}` is a variable of the environment in which Hayai runs, `secret:name` a secret
// of the project's backend. `$${` is `${` itself.

const VARIABLE = /\$(\$)?\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g
const SECRET = /^secret:(.*)$/s
export const SECRET_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/

export function isReference(value: string): boolean {
  return SECRET.test(value) || value.search(VARIABLE) >= 0
}

/** The name of the secret for which the value stands; undefined when it stands for none. */
export function secretIn(value: string): string | undefined {
  return SECRET.exec(value)?.[1]
}

export interface Filled {
  readonly text: string
  /** Variables that are not set, and have no value for that case (`${NAME:-value}`). */
  readonly missing: readonly string[]
}

export function filled(value: string, environment: Readonly<Record<string, string | undefined>>): Filled {
  const missing: string[] = []
  const text = value.replaceAll(VARIABLE, (whole, escaped: string | undefined, name: string, otherwise: string | undefined) => {
    if (escaped !== undefined) return whole.slice(1)
    const found = environment[name]
    if (found !== undefined && (found !== '' || otherwise === undefined)) return found
    if (otherwise === undefined) missing.push(name)
    return otherwise ?? whole
  })
  return { text, missing }
}
