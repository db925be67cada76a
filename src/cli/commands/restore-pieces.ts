// hayai restore --table, --key: only some pieces.

import { HayaiError, type PiecesAnswer, type PiecesRequest, type Project } from '../../index.ts'
import type { Said, Session } from '../command.ts'
import type { Style } from '../output.ts'
import { age, count, duration, place } from '../wording.ts'
import { checkLines } from './checks.ts'

interface PieceFlags {
  readonly table: readonly string[]
  readonly as: readonly string[]
  readonly key: readonly string[]
  readonly db: number | undefined
  readonly replace: boolean
}

type Wanted = Pick<PiecesRequest, 'noun' | 'pieces' | 'replace' | 'db'>

/** What the line asks for; undefined when it asks for everything. */
export function wantedPieces({ table, as, key, db, replace }: PieceFlags): Wanted | undefined {
  if (table.length === 0 && key.length === 0) {
    const alone = as.length > 0 ? '--as' : db !== undefined ? '--db' : replace ? '--replace' : undefined
    if (alone === undefined) return undefined
    throw new HayaiError('USAGE', `${alone} belongs to a table or to keys`, { hint: 'Name them: --table users, or --key PATTERN.' })
  }
  if (table.length > 0 && key.length > 0)
    throw new HayaiError('USAGE', 'a database has tables or keys, not both', { hint: 'Use --table or --key.' })
  if (as.length > 0 && as.length !== table.length) {
    throw new HayaiError('USAGE', `${count(as.length, 'name')} for ${count(Math.max(table.length, key.length), 'piece')}`, {
      hint: 'Write one --as for each --table, in the same order.',
    })
  }
  const pieces = table.length > 0 ? table.map((name, at) => named(name, as[at])) : key.map((name) => named(name, undefined))
  return { noun: table.length > 0 ? 'table' : 'key', pieces, replace, ...(db === undefined ? {} : { db }) }
}

function named(name: string, as: string | undefined): PiecesRequest['pieces'][number] {
  return as === undefined ? { name } : { name, as }
}

export async function restorePieces(project: Project, request: PiecesRequest, ask: boolean, session: Session): Promise<Said> {
  if (ask && request.replace === true && request.dryRun !== true) {
    const preview = await project.restorePieces({ ...request, dryRun: true }, session.watch)
    const replaced = preview.pieces.filter((piece) => piece.replaced > 0).map(({ as }) => as)
    const { agree } = await import('../questions.ts')
    if (replaced.length > 0)
      await agree(
        `Replace ${replaced.join(', ')} in "${preview.database}" by what was there ${age(preview.snapshot.created)}? A snapshot is taken before.`,
        session,
      )
  }
  const answer = await project.restorePieces(request, session.watch)
  return { data: answer, text: (style) => piecesText(answer, style) }
}

function piecesText(answer: PiecesAnswer, style: Style): string {
  const { database, snapshot, pieces, unit, checks, notes, safety, undo, seconds, dryRun } = answer
  const lines = pieces.map((piece) => `  ${pieceLine(piece, unit)}`)
  if (dryRun) {
    return [
      `would put into ${style.bold(database)} from ${place(snapshot.path)}`,
      ...lines,
      ...checkLines(checks, style),
      'Nothing was changed.',
    ].join('\n')
  }
  return [
    `${style.good('✓')} put into ${style.bold(database)} from ${place(snapshot.path)} (${duration(seconds)})`,
    ...lines,
    ...notes.map((note) => `  note: ${note}`),
    ...(safety === null ? [] : [`  what was there: ${place(safety.path)}`]),
    ...(undo === null ? [] : [`  take it back: ${undo}`]),
  ].join('\n')
}

function pieceLine({ name, as, count: number, replaced }: PiecesAnswer['pieces'][number], { one, many }: PiecesAnswer['unit']): string {
  const over = replaced === 0 ? '' : `, in place of ${replaced === 1 ? 'the one that was' : `${replaced} that were`} there`
  return `${name}${as === name ? '' : ` as ${as}`}: ${count(number, one, many)}${over}`
}
