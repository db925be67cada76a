// The one rule for names that become parts of paths: checked at every door, so that none can leave its folder.

import { HayaiError } from './errors.ts'

export const NAME_PATTERN = /^[a-z0-9][a-z0-9_-]{0,62}$/
/** Words that are subcommands where a database name may stand (`hayai snapshot list`). */
export const RESERVED_NAMES: ReadonlySet<string> = new Set([
  'list',
  'show',
  'verify',
  'rename',
  'pin',
  'unpin',
  'tag',
  'delete',
  'undelete',
  'export',
  'import',
  'prune',
  'restore',
  'status',
  'latest',
])

/** Returns the name, or throws USAGE when it is not one. `what` says whose name it is, for the message. */
export function checkName(name: string, what = 'database'): string {
  if (!NAME_PATTERN.test(name)) {
    throw new HayaiError('USAGE', `${JSON.stringify(name)} cannot be the name of a ${what}`, {
      hint: 'Use 1 to 63 small letters, digits, "-" and "_", beginning with a letter or digit.',
    })
  }
  if (RESERVED_NAMES.has(name)) {
    throw new HayaiError('USAGE', `"${name}" cannot be the name of a ${what}: it is a subcommand`, { hint: 'Choose another name.' })
  }
  return name
}
