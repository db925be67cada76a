// hayai report

import type { DatabaseReport, LargeOrOld, ReportAnswer } from '../../index.ts'
import { command } from '../command.ts'
import { bar, sparkline } from '../chart.ts'
import type { Style } from '../output.ts'
import { age, count, cut, place, size, table } from '../wording.ts'

export const report = command({
  about:
    'Shows how much room snapshots and backups take: by database, over time, what compression saves, how each database itself has ' +
    'grown, and the largest and oldest copies. What was deleted and waits in the trash is not counted.',
  positionals: {},
  flags: {},
  examples: {
    'hayai report': 'with a chart',
    "hayai report --json | jq '.data.databases[] | {database, bytes}'": 'for scripts',
  },
  failures: ['NOT_FOUND', 'STORE_FAILED'],
  async run({ session }) {
    const project = await session.open()
    const answer = await project.report()
    return { data: answer, text: (style) => reportText(answer, style) }
  },
})

/** A bar is so wide that its line, with a name and two numbers, has room on 80 columns. */
const BAR = 24
const NAME = 20

function reportText(answer: ReportAnswer, style: Style): string {
  const { folders, databases, growth, growthBy, largest, oldest, bytes, plain } = answer
  if (largest.length === 0) return 'There are no snapshots and no backups yet.\n  take one: hayai snapshot mydb'
  const saved =
    plain <= bytes ? 'nothing is saved by compression' : `compression saves ${size(plain - bytes)} (${percent(1 - bytes / plain)})`
  const parts = [
    [
      `${style.bold(size(bytes))} in all; ${saved}`,
      ...folders.map(({ what, folder, copies, bytes: here }) => `  ${place(folder)}: ${count(copies, what.slice(0, -1))}, ${size(here)}`),
    ].join('\n'),
  ]
  if (databases.length > 0) parts.push(databaseLines(databases, style))
  const top = Math.max(...growth.map(({ total }) => total))
  parts.push(
    [
      style.bold(`in all, by ${growthBy}`),
      ...growth.map(({ from, added, total }) =>
        `  ${from}  ${bar(total, top, BAR)}  ${size(total).padStart(8)}  ${added === 0 ? '' : `+${size(added)}`}`.trimEnd(),
      ),
    ].join('\n'),
  )
  parts.push(copyLines('largest', largest, style), copyLines('oldest', oldest, style))
  return parts.join('\n\n')
}

function databaseLines(databases: readonly DatabaseReport[], style: Style): string {
  const most = Math.max(...databases.map(({ bytes }) => bytes))
  const rows = databases.map(({ database, bytes, plain, snapshots, backups, sizes }) => [
    cut(database, NAME),
    bar(bytes, most, BAR / 2),
    size(bytes).padStart(8),
    String(snapshots + backups),
    plain <= bytes ? '' : percent(1 - bytes / plain),
    `${sparkline(sizes.map((each) => each.bytes))} ${growthText(sizes)}`.trim(),
  ])
  return table(['DATABASE', '', 'SIZE', 'COPIES', 'SAVED', 'GROWTH OF ITS DATA'], rows, style)
}

function growthText(sizes: DatabaseReport['sizes']): string {
  const [first] = sizes
  const last = sizes.at(-1)
  if (first === undefined || last === undefined || sizes.length === 1) return ''
  if (first.bytes === last.bytes) return 'as it was'
  const sign = last.bytes > first.bytes ? '+' : '-'
  return `${sign}${size(Math.abs(last.bytes - first.bytes))}`
}

function copyLines(title: string, copies: readonly LargeOrOld[], style: Style): string {
  const rows = copies.map(({ bytes, created, path }) => `  ${size(bytes).padStart(8)}  ${age(created).padStart(11)}  ${place(path)}`)
  return [style.bold(title), ...rows].join('\n')
}

function percent(part: number): string {
  return `${Math.round(part * 100)}%`
}
