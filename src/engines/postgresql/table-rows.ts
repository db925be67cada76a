// The rows of one table out of a dump: its COPY, from the statement to the mark behind the last row, as pg_dump wrote it.

import { createReadStream } from 'node:fs'
import type { Bytes } from '../../base/bytes.ts'
import { chosenLines } from '../../base/excerpt.ts'
import { shown } from './sql.ts'

/** `table` as in the census: `public.users`, `other/public.users`. The main database has no name there. */
export function tableRows(file: string, table: string, signal: AbortSignal): Bytes {
  let database = ''
  let encoding = `SET client_encoding = 'UTF8';\n`
  let expected = false // a heading has said that rows come
  let among: 'wanted' | 'others' | undefined
  const choose = (line: string): boolean | string => {
    if (among !== undefined) {
      const wanted = among === 'wanted'
      if (line === '\\.') among = undefined
      return wanted
    }
    if (line.startsWith('SET client_encoding = ')) encoding = `${line}\n`
    if (line.startsWith('\\connect ')) database = databaseIn(line)
    if (line.startsWith('-- Name: ')) expected = false
    if (/^-- Data for Name: .*; Type: TABLE DATA; /.test(line)) expected = true
    if (!expected || !line.startsWith('COPY ') || !line.endsWith(' FROM stdin;')) return false
    expected = false
    const name = `${database === '' ? '' : `${shown(database)}/`}${nameIn(line)}`
    among = name === table ? 'wanted' : 'others'
    return among === 'wanted' ? `${encoding}SET standard_conforming_strings = on;\n` : false
  }
  return chosenLines(createReadStream(file, { signal }), choose)
}

// In the form that connectTo() writes: -reuse-previous=on "dbname='...'"
function databaseIn(line: string): string {
  const quoted = /"((?:[^"]|"")*)"/.exec(utf8(line))?.[1]?.replaceAll('""', '"') ?? ''
  return /^dbname='(.*)'$/s.exec(quoted)?.[1]?.replaceAll(/\\([\\'])/g, '$1') ?? ''
}

function nameIn(line: string): string {
  const found = /^COPY (?:"((?:[^"]|"")*)"|([^".\s]+))\.(?:"((?:[^"]|"")*)"|([^".\s]+)) /.exec(utf8(line))
  const [, quotedSchema, schema = '', quotedTable, table = ''] = found ?? []
  return `${shown(quotedSchema?.replaceAll('""', '"') ?? schema)}.${shown(quotedTable?.replaceAll('""', '"') ?? table)}`
}

function utf8(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
