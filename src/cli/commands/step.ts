// What undo and redo have in common.

import type { UndoAnswer } from '../../index.ts'
import type { Said } from '../command.ts'

export const CHANGED = {
  name: { brief: 'the database; the one that was last restored or removed when not given', optional: true, proposes: 'databases' },
} as const

export function stepText({ database, what, from, to }: UndoAnswer): string {
  if (what === 'undeleted') return `Bring deleted snapshots of ${database} back: ${to}`
  if (what === 'returned') return `Bring "${database}" back with its data`
  return `Make ${to} the live data of "${database}"${from === null ? '' : ` in place of ${from}`}`
}

export function stepAnswer(answer: UndoAnswer): Said {
  return {
    data: answer,
    text: (style) => {
      const { database, what, from, to, again, notes, dryRun } = answer
      if (dryRun) return `would do: ${stepText(answer)}\nNothing was changed.`
      const name = style.bold(database)
      if (what === 'undeleted') {
        return `${style.good('✓')} deleted snapshots of ${name} are back: ${to}${again === null ? '' : `\n  delete them again: ${again}`}`
      }
      const done =
        what === 'returned' ? `${name} is back` : `the live data of ${name} is ${to} now${from === null ? '' : `, no longer ${from}`}`
      const said = notes.map((note) => `\n  note: ${note}`).join('')
      return `${style.good('✓')} ${done}${said}${again === null ? '' : `\n  take that back: ${again}`}`
    },
  }
}
