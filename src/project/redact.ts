// Text of a project without its secrets, for copies that go to other disks and other people.

/** Names of values that are secrets. */
export const SECRET_KEY = /(?:pass(?:word|wd|phrase)?|pwd|secret|token|api_?key|private_?key|credential)s?$/i
const BLOT = '********'

/** Every one of these secrets is blotted out, wherever it stands. */
export function blotted(text: string, secrets: readonly string[]): string {
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, BLOT), text)
}

/**
 * A YAML text whose lines are kept, but for values whose names say that they are secrets, and passwords in URIs. What has lost its value is made a
 * comment, so that whoever reads the text gives it a new one, and nobody takes the blot for a password.
 */
export function withoutSecrets(text: string): string {
  return text
    .split('\n')
    .map((line) => withoutLogin(withoutAddress(commentedOut(line))))
    .join('\n')
}

// `KEY: value`, `- KEY=value`, and the same in a comment.
const ENTRY = /^(\s*)(#\s*)?(-\s*)?["']?([A-Za-z_][\w.-]*)["']?\s*[:=]\s*(\S.*)$/

function commentedOut(line: string): string {
  const found = ENTRY.exec(line)
  const [, indent = '', , , key = ''] = found ?? []
  if (found !== null && SECRET_KEY.test(key)) return `${indent}# ${key}: taken out of this copy`
  return line.replaceAll(FURTHER, '').replaceAll(FIRST, '{')
}

// In a mapping on one line: `{POSTGRES_PASSWORD: x, POSTGRES_USER: y}`.
const PAIR = String.raw`["']?[\w.-]*(?:PASSWORD|PASSWD|SECRET|TOKEN|PASS|KEY)["']?\s*:\s*(?:"[^"]*"|'[^']*'|[^,}]+)`
const FURTHER = new RegExp(String.raw`\s*,\s*${PAIR}`, 'gi')
const FIRST = new RegExp(String.raw`\{\s*${PAIR},?`, 'gi')

// Of a notification: whoever knows its address can use it. A variable stands in its place, so that the text stays valid.
const ADDRESS_IN_LINE = /^(\s*["']?(webhook|slack|ntfy|ping|smtp)["']?\s*:\s+)(\S.*)$/
const ADDRESS_IN_BRACES = /([{,]\s*["']?(webhook|slack|ntfy|ping|smtp)["']?\s*:\s*)("[^"]*"|'[^']*'|[^,}]+)/g

function withoutAddress(line: string): string {
  const replace = (whole: string, key: string, name: string, value: string): string =>
    value.includes('://') ? `${key}"\${${name.toUpperCase()}}"` : whole
  return line.replace(ADDRESS_IN_LINE, replace).replaceAll(ADDRESS_IN_BRACES, replace)
}

function withoutLogin(line: string): string {
  return line.replaceAll(/(\w:\/\/[^\s:/@]*:)[^\s@]+@/g, `$1${BLOT}@`)
}
