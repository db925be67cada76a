// Numbers, times and tables as people read them.

import { relative } from 'node:path'
import { countedBy, type Census } from '../index.ts'
import type { Style } from './output.ts'

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const

/** 1234567 → `1.2 MB`; steps of 1000, as disks are sold and `ls --si` counts. */
export function size(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`
}

/** 0.42 → `0.4 s`, 95 → `1 min 35 s`. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}

/** How long ago, in one unit. */
export function age(iso: string, now = Date.now()): string {
  const seconds = Math.max(0, (now - Date.parse(iso)) / 1000)
  if (seconds < 60) return 'just now'
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h ago`
  return `${Math.floor(seconds / 86400)} days ago`
}

/** `2026-01-08T10:30:45.123Z` → `2026-01-08 10:30 UTC` */
export function moment(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`
}

/** `engine`: whose it is; each has words of its own for what it counts. */
export function contents(census: Census, engine: string): string {
  const tables = Object.values(census.tables)
  const rows = tables.reduce((sum, each) => sum + each, 0)
  return totals({ engine, rows, tables: tables.length })
}

/** The same of totals. */
export function totals({ engine, rows, tables }: { readonly engine: string; readonly rows: number; readonly tables: number }): string {
  const { what, of } = countedBy(engine)
  return `${count(rows, what)} in ${count(tables, of)}`
}

/** The shorter way to name a place from here. */
export function place(path: string): string {
  const near = relative(process.cwd(), path)
  return near === '' || near.startsWith('../../') ? path : near
}

/** Columns as wide as their widest cell; a column in which every cell is empty is left out. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], style: Style): string {
  const shown = head.map((_, column) => column).filter((column) => rows.some((row) => row[column] !== ''))
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)))
  const line = (cells: readonly string[]) =>
    shown
      .map((column) => (cells[column] ?? '').padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [style.dim(line(head)), ...rows.map(line)].join('\n')
}

/** `  host      127.0.0.1` for each pair. */
export function pairs(entries: readonly (readonly [string, string])[], style: Style): string {
  const width = Math.max(...entries.map(([name]) => name.length))
  return entries.map(([name, value]) => `${style.dim(name.padEnd(width))}  ${value}`).join('\n')
}

/** Goes behind a question. */
export function stopping(container: string | null): string {
  return container === null ? '' : ` The container ${container}, which Hayai did not make, is stopped for it and started again.`
}

/** The beginning of a text that is longer than so many characters. */
export function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`
}
