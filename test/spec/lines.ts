// The blocks of shell in the specification, and the command lines in each.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const FILE = join(import.meta.dirname, '../../../shared/spec/backup-and-snapshot-system.md')

/** Why its lines cannot be tried here; undefined where they can. */
export const noSpecification: string | undefined = existsSync(FILE) ? undefined : 'the specification is not beside this checkout'

/** Each block of shell, without comments. */
export function blocks(): readonly string[] {
  if (noSpecification !== undefined) return []
  return [...readFileSync(FILE, 'utf8').matchAll(/^```bash\n(.*?)^```/gms)].map(([, block = '']) =>
    block
      .split('\n')
      .map((line) => line.replace(/(^|\s)#.*$/, '').trimEnd())
      .filter((line) => line !== '')
      .join('\n'),
  )
}

/** Of a list of options only what is typed. */
export function linesOf(block: string): readonly string[] {
  return block
    .split('\n')
    .map((line) => line.trim().replace(/^(-\S.*?) {2,}.*/, '$1'))
    .filter((line) => line !== 'Options:')
}

/** Those that need containers: they name one, or ask Compose. */
export function wantsContainers(line: string): boolean {
  return /^docker(-compose)? /.test(line)
}
