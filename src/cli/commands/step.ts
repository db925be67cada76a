// What undo and redo have in common.

import { HayaiError, type UndoAllAnswer, type UndoAnswer, type UndonePieces } from '../../index.ts'
import type { Said } from '../command.ts'
import { place } from '../wording.ts'

export const CHANGED = {
  name: { brief: 'the database; the one that was last restored or removed when not given', optional: true, proposes: 'databases' },
} as const

export function stepText(answer: UndoAnswer): string {
  const { database, what, container, from, to, pieces } = answer
  if (pieces !== undefined) return piecesText(answer, pieces)
  if (what === 'undeleted') return `Bring deleted snapshots of ${database} back: ${to}`
  if (what === 'returned') return `Bring "${database}" back with its data`
  const stopped = container === null ? '' : `; for that, the container ${container}, which Hayai did not make, is stopped and started again`
  return `Make ${to} the live data of "${database}"${from === null ? '' : ` in place of ${from}`}${stopped}`
}

export function stepAnswer(answer: UndoAnswer): Said {
  return {
    data: answer,
    text: (style) => {
      const { database, what, from, to, again, notes, pieces, dryRun } = answer
      if (dryRun) return `would do: ${stepText(answer)}\nNothing was changed.`
      const name = style.bold(database)
      if (pieces !== undefined) {
        const kept = pieces.safety === null ? '' : `\n  as it was right before: ${place(pieces.safety.path)}`
        return `${style.good('✓')} ${piecesDone(answer, pieces)} (${name})${notes.map((note) => `\n  note: ${note}`).join('')}${kept}\n  take that back: ${again}`
      }
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

/** On an undo the other line is the one that does it again. */
function isUndo({ again }: UndoAnswer): boolean {
  return again?.startsWith('hayai redo') === true
}

function piecesText(answer: UndoAnswer, { noun, added, replaced }: UndonePieces): string {
  const [out, back] = isUndo(answer) ? ['take', 'bring'] : ['put', 'put']
  const parts = [
    ...(added.length === 0 ? [] : [`${out} the ${called(noun, added)} ${isUndo(answer) ? 'out again' : 'in again'}`]),
    ...(replaced.length === 0
      ? []
      : [`${back} the ${called(noun, replaced)} ${isUndo(answer) ? 'back that a restore replaced' : 'in again over what is there'}`]),
  ]
  return `In "${answer.database}", ${parts.join(', and ')}; all else stays as it is`
}

function piecesDone(answer: UndoAnswer, { noun, added, replaced }: UndonePieces): string {
  const parts = [
    ...(added.length === 0 ? [] : [`${called(noun, added)}: ${isUndo(answer) ? 'taken out again' : 'there again'}`]),
    ...(replaced.length === 0
      ? []
      : [`${called(noun, replaced)}: ${isUndo(answer) ? 'as before the restore' : 'as in the snapshot again'}`]),
  ]
  return parts.join('; ')
}

function called({ one, many }: UndonePieces['noun'], names: readonly string[]): string {
  return `${names.length === 1 && !names[0]?.includes('*') ? one : many} ${names.join(', ')}`
}

export const ALL = { all: { kind: 'switch', brief: 'Every database that the last restore of a backup changed, or none' } } as const

export function refuseBoth(name: string | undefined, all: boolean): void {
  if (name !== undefined && all) throw new HayaiError('USAGE', 'a database is named, or it is --all', { hint: 'Leave one of them out.' })
}

export function allText({ databases }: UndoAllAnswer): string {
  return databases
    .map(({ database, what, from, to }) => {
      if (what === 'removed') return `remove "${database}", which that restore had made`
      if (what === 'returned') return `bring "${database}" back with its data`
      return `make ${to} the live data of "${database}" in place of ${from}`
    })
    .join('\n')
}

export function allAnswer(answer: UndoAllAnswer): Said {
  const { databases, again, dryRun } = answer
  return {
    data: answer,
    text: (style) => {
      if (dryRun) return `would do:\n${allText(answer)}\nNothing was changed.`
      const lines = databases.map(({ database, what, to }) => {
        const done = what === 'removed' ? 'is removed' : what === 'returned' ? 'is back' : `has ${to} as its live data`
        return `${style.good('✓')} ${style.bold(database)} ${done}`
      })
      return [...lines, `  take that back: ${again}`].join('\n')
    },
  }
}
