// Differences, as a person reads them: a heading, then tables with what belongs to them, then everything else.

import type { Change, Column, ColumnChange, DiffAnswer, DiffSide, How, TableChange } from '../../index.ts'
import type { Style } from '../output.ts'
import { count, moment, size } from '../wording.ts'

export function diffText(answer: DiffAnswer, style: Style): string {
  const { tables, objects, counts, different } = answer
  return [
    heading(answer, style),
    ...tables.flatMap((table) => tableLines(table, answer, style)),
    ...objects.map((change) => changeLine(change, '', style)),
    ...counts.map((each) => countLine(each, style)),
    closing(answer, different),
  ].join('\n')
}

function heading({ before, after }: DiffAnswer, style: Style): string {
  const sizes =
    before.dataBytes === null || after.dataBytes === null || before.dataBytes === after.dataBytes
      ? ''
      : style.dim(`  about ${size(before.dataBytes)} → ${size(after.dataBytes)}`)
  return `${style.bold(`${sideName(before)} → ${sideName(after)}`)}${sizes}`
}

function sideName({ database, instant, snapshot }: DiffSide): string {
  return snapshot === null ? `${database} now` : `${database || 'snapshot'} of ${moment(instant)} (${snapshot.id.slice(0, 8) || 'foreign'})`
}

function tableLines(table: TableChange, { counted }: DiffAnswer, style: Style): readonly string[] {
  const { name, how, columns, parts } = table
  const first = `${sign(how, style)} ${counted.of} ${style.bold(name)}  ${rowsText(table, counted.what, style)}`.trimEnd()
  return [
    first,
    ...columns.map((column) => columnLine(column, how, style)),
    // Of a table that is gone, what belonged to it is gone too: that need not be said.
    ...(how === 'removed' ? [] : parts.map((part) => changeLine(part, '    ', style))),
  ].filter((line) => line !== '')
}

function rowsText({ how, rows, content }: TableChange, row: string, style: Style): string {
  const { before, after } = rows
  if (how !== 'changed') return counting(after ?? before, row)
  if (before === null || after === null) return ''
  if (before === after) {
    const others = content === 'different' ? `, and they are ${style.warn('different')}` : content === 'same' ? ', all the same' : ''
    return `${counting(after, row)}${others || ' as before'}`
  }
  const grown = after - before
  const change = grown > 0 ? style.good(`+${grown.toLocaleString('en')}`) : style.bad(`−${(-grown).toLocaleString('en')}`)
  return `${before.toLocaleString('en')} → ${counting(after, row)} (${change})`
}

function counting(rows: number | null, row: string): string {
  return rows === null ? '' : count(rows, row)
}

function columnLine({ name, how, before, after }: ColumnChange, ofTable: How, style: Style): string {
  if (ofTable === 'removed') return ''
  const said = before === null ? columnText(after) : after === null ? columnText(before) : `${columnText(before)} → ${columnText(after)}`
  return `    ${sign(how, style)} column ${style.bold(name)}  ${style.dim(said)}`
}

function columnText(column: Column | null): string {
  if (column === null) return ''
  const { type, nullable, default: value } = column
  return [type, nullable ? '' : 'not null', value === null ? '' : /^generated\b/.test(value) ? value : `default ${value}`]
    .filter((part) => part !== '')
    .join(' ')
}

function changeLine({ kind, name, how, before, after }: Change, indent: string, style: Style): string {
  const [was, is] = [shown(before), shown(after)]
  const said = how === 'changed' ? (was === '' || is === '' ? 'changed' : `${was} → ${is}`) : was || is
  return `${indent}${sign(how, style)} ${kind} ${style.bold(name)}${said === '' ? '' : `  ${style.dim(said)}`}`
}

/** A digest says nothing to a person. */
function shown(definition: string | null): string {
  const text = (definition ?? '').replaceAll(/\s+/g, ' ').trim()
  return /\bsha256 [0-9a-f]{20}/.test(text) ? '' : text
}

function countLine({ what, before, after }: DiffAnswer['counts'][number], style: Style): string {
  if (what.endsWith('sequence positions')) {
    const where = what.slice(0, -'sequence positions'.length)
    return `${sign('changed', style)} sequences ${where === '' ? '' : `of ${where.slice(0, -1)} `}have moved on`
  }
  return `${sign('changed', style)} ${what}  ${before.toLocaleString('en')} → ${after.toLocaleString('en')}`
}

function closing({ sameTables, rowsCompared, counted }: DiffAnswer, different: boolean): string {
  const many = count(sameTables, counted.of)
  if (rowsCompared)
    return different ? `${many} the same, down to every ${counted.what}` : `No difference: ${many}, down to every ${counted.what}.`
  const hint = `--data also compares the ${counted.what}s themselves`
  return different ? `${many} with as many ${counted.what}s as before; ${hint}` : `No difference in structure and counts: ${many}. ${hint}.`
}

function sign(how: How, style: Style): string {
  return how === 'added' ? style.good('+') : how === 'removed' ? style.bad('-') : style.warn('~')
}
