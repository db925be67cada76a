// What the commands of backups have in common.

import type { BackupView } from '../../index.ts'
import type { Style } from '../output.ts'
import { size, totals } from '../wording.ts'

export const ONLY = {
  only: { kind: 'list', value: 'NAMES', brief: 'These databases alone, with "," between; may be given again', proposes: 'databases' },
} as const

export const BACKUP = {
  ref: { brief: 'a folder, its name, an id or the start of one; the newest whole one when not given', optional: true, proposes: 'backups' },
} as const

export const BACKUPS_FOLDER = {
  directory: {
    kind: 'text',
    short: 'd',
    value: 'DIR',
    brief: 'Look in this folder; ./backups of the project when not given',
    proposes: 'folders',
  },
} as const

export function namesIn(lists: readonly string[]): readonly string[] {
  return lists.flatMap((list) => list.split(',')).filter((name) => name !== '')
}

export function databaseLines({ databases, missing }: BackupView, style: Style): readonly string[] {
  return [
    ...databases.flatMap((each) => [
      `  ${style.bold(each.database)}: ${each.file}, ${each.product} ${each.version}, ${totals(each)} (${size(each.bytes)})`,
      ...(each.blocked === null ? [] : [`    writers waited ${each.blocked} ms`]),
      ...each.notes.map((note) => `    ${style.warn('note:')} ${note}`),
    ]),
    ...missing.map(({ database, message }) => `  ${style.bad('not in it')}: ${style.bold(database)}: ${message}`),
  ]
}

export function stateOf({ whole, missing, flaws, id, verified }: BackupView): string {
  if (id === '') return 'unknown'
  if (flaws.length > 0 || verified?.ok === false) return 'DAMAGED'
  if (missing.length > 0) return 'partial'
  return whole ? 'whole' : 'DAMAGED'
}
