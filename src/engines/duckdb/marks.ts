// How an exchange is known afterwards. The file that comes in has a second name beside the live one, its mark: when the live
// name and the mark are one and the same file, the exchange has happened. Nothing of that is in the database, and to ask it
// nobody has to open it.
//
//   <folder>/.<mark>       the mark
//   <folder>/.<mark>.new   the same file once more: the exchange is to rename it to the live name

import { statSync, unlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { systemCode } from '../../base/errors.ts'

export function markOf(live: string, mark: string): { readonly mark: string; readonly next: string } {
  const path = join(dirname(live), `.${mark}`)
  return { mark: path, next: `${path}.new` }
}

/**
 * Whoever asks decides it, too: an exchange that has not happened by now cannot happen any more, because what it would rename is
 * taken away. So it need not be waited for, even if a process that was left alone is still at work on it.
 */
export function bears(live: string, mark: string): boolean {
  const paths = markOf(live, mark)
  remove(paths.next)
  const [now, marked] = [statOf(live), statOf(paths.mark)]
  if (now !== undefined && marked !== undefined && now === marked) return true
  remove(paths.mark)
  return false
}

export function unmark(live: string, mark: string): void {
  const paths = markOf(live, mark)
  remove(paths.next)
  remove(paths.mark)
}

function statOf(path: string): string | undefined {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stat === undefined ? undefined : `${stat.dev}:${stat.ino}`
}

function remove(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
  }
}
