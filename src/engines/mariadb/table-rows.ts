// The rows of one table out of a dump: what stands between the lines with which the program switches its keys off, and on again.

import { createReadStream } from 'node:fs'
import type { Bytes } from '../../base/bytes.ts'
import { chosenLines } from '../../base/excerpt.ts'
import { unquoted } from './sql.ts'

const BEFORE = `SET NAMES utf8mb4;
SET SESSION sql_mode = '', time_zone = '+00:00', foreign_key_checks = 0, unique_checks = 0;
`

/** `table` as in the census: `users`, `other/users`. The main database has no name there. */
export function tableRows(file: string, table: string, signal: AbortSignal): Bytes {
  let database = ''
  let inRoutine = false // between DELIMITER ;; and DELIMITER ; stands what people wrote
  let inside = false
  const choose = (bytes: string): boolean | string => {
    if (bytes.startsWith('DELIMITER ')) inRoutine = bytes.endsWith(';;')
    if (inRoutine) return false
    const line =
      bytes.startsWith('/*!40000 ALTER TABLE `') || bytes.startsWith('USE `') ? Buffer.from(bytes, 'latin1').toString('utf8') : ''
    const used = /^USE (`(?:[^`]|``)*`);$/.exec(line)?.[1]
    if (used !== undefined) database = unquoted(used)
    const [, quoted = '', off] = /^\/\*!40000 ALTER TABLE (`(?:[^`]|``)*`) (?:(DIS)|EN)ABLE KEYS \*\/;$/.exec(line) ?? []
    if (quoted === '') return inside
    const wanted = `${database === '' ? '' : `${database}/`}${unquoted(quoted)}` === table
    inside = wanted && off !== undefined
    return wanted && off !== undefined ? BEFORE : wanted
  }
  return chosenLines(createReadStream(file, { signal }), choose)
}
