// Writing SQL by hand, safely: names, strings, comments; and statements that name the main database without knowing its name.

export function name(identifier: string): string {
  return `\`${identifier.replaceAll('`', '``')}\``
}

/** Needs an sql_mode without NO_BACKSLASH_ESCAPES, which every session and every script of ours sets. */
export function literal(value: string): string {
  const escaped = value.replaceAll(/['\\\n\r\0\x1a]/g, (character) => ESCAPES[character] ?? character)
  return `'${escaped}'`
}

const ESCAPES: Readonly<Record<string, string>> = {
  "'": "''",
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\0': '\\0',
  '\x1a': '\\Z',
}

export function account(user: string, host: string): string {
  return `${name(user)}@${name(host)}`
}

/** One line of a comment, whatever the text holds. */
export function comment(text: string): string {
  return `-- ${text.replaceAll(/[\0-\x1f\x7f]/g, ' ')}\n`
}

/** A name for people and for the census: quoted only where it has to be. */
export function shown(identifier: string): string {
  return /^[\p{L}\p{N}_$ -]+$/u.test(identifier) ? identifier : name(identifier)
}

/** Where a text names the main database; `pattern`: as GRANT wants it, where `_` and `%` stand for more than themselves. */
export type Part = string | { readonly main: 'name' | 'pattern' }

export const MAIN = { main: 'name' } as const

/** Remembers the name of the database that a script was started in. To be said before anything else uses another database. */
export const REMEMBER_MAIN = `SET @hayai_main = CONCAT('\`', REPLACE(DATABASE(), '\`', '\`\`'), '\`');
SET @hayai_pattern = REPLACE(REPLACE(REPLACE(@hayai_main, '\\\\', '\\\\\\\\'), '_', '\\\\_'), '%', '\\\\%');
`

/** A statement whose parts may be the name of the main database, whatever that is where the script runs. */
export function statement(parts: readonly Part[], settings = ''): string {
  if (parts.every((part) => typeof part === 'string')) return `${settings}${parts.join('')};\n`
  return `SET @hayai = ${joined(parts)};\n${settings}${EXECUTE}`
}

/** A statement that is executed only if the condition holds. */
export function onlyIf(condition: string, parts: readonly Part[]): string {
  return `SET @hayai = IF(${condition}, ${joined(parts)}, 'DO 0');\n${EXECUTE}`
}

const EXECUTE = 'PREPARE hayai FROM @hayai; EXECUTE hayai;\n'

function joined(parts: readonly Part[]): string {
  const pieces = parts.map((part) => (typeof part === 'string' ? literal(part) : part.main === 'name' ? '@hayai_main' : '@hayai_pattern'))
  return pieces.length === 1 ? pieces.join('') : `CONCAT(${pieces.join(', ')})`
}

/** Backticked identifiers, `'...'` and `"..."`, and whatever is between them. Together they are the whole text. */
export function tokens(text: string): readonly string[] {
  return text.match(/`(?:[^`]|``)*`|'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S]|"")*"|[^`'"]+|[`'"]/g) ?? []
}

export function unquoted(token: string): string {
  return token.slice(1, -1).replaceAll('``', '`')
}
