// How one database is said in one line, and what to type next.

import type { DatabaseView } from '../../index.ts'
import type { Style } from '../output.ts'
import { place } from '../wording.ts'

export function where({ port, file }: DatabaseView): string {
  return file === null ? (port === null ? '' : `port ${port}`) : place(file)
}

export function kind({ engine, version }: DatabaseView): string {
  return version === '' ? engine : `${engine} ${version}`
}

export function statusText(status: DatabaseView['status'], style: Style): string {
  if (status === 'running' || status === 'file') return style.good(status)
  return status === 'stopped' ? style.dim(status) : style.bad(status)
}

/** `mydb (postgresql 15, running, port 5000)` */
export function oneLine(view: DatabaseView, style: Style): string {
  const facts = [kind(view), ...(view.status === 'file' ? [] : [statusText(view.status, style)]), where(view)]
  return `${style.bold(view.name)} (${facts.filter((fact) => fact !== '').join(', ')})`
}
