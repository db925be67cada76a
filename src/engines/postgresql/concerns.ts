// What is amiss with a server that answers: that the segments of its log do not get into the archive.

import type { Concern, Target } from '../engine.ts'
import { endpointOf, withSession, type Session } from './session.ts'

/** Segments that wait for less than this are on their way. */
const PATIENCE = 5 * 60_000

export interface Waiting {
  readonly segments: number
  readonly bytes: number
  /** When the first of them was full; ISO. */
  readonly since: string
  /** The last attempt, when it failed. */
  readonly failed: { readonly name: string; readonly at: string } | undefined
}

export async function concerns(target: Target, signal: AbortSignal): Promise<readonly Concern[]> {
  const waiting = await withSession(endpointOf(target), { signal }, waitingForArchive)
  if (waiting === undefined || (waiting.failed === undefined && Date.now() - Date.parse(waiting.since) < PATIENCE)) return []
  const { segments, bytes, since, failed } = waiting
  const says = [
    `has ${segments} ${segments === 1 ? 'file' : 'files'} of its log (WAL, ${amount(bytes)}) that wait to be archived, the first since ${since}`,
    ...(failed === undefined ? [] : [`; archiving ${failed.name} failed at ${failed.at}`]),
    `. It works on, and keeps them until its disk is full, which has ${amount(await target.freeBytes())} free`,
  ]
  return [
    {
      kind: 'archiving',
      says: says.join(''),
      hint: 'Make room in its archive folder, or put that back; `hayai logs` tells what is wrong.',
    },
  ]
}

const amount = (bytes: number): string => `${Math.round(bytes / 1024 / 1024).toLocaleString('en')} MB`

interface Row {
  readonly segments: number
  readonly bytes: number
  readonly since: string | null
  readonly name: string | null
  readonly at: string | null
}

/** undefined where nothing waits. */
export async function waitingForArchive(session: Session): Promise<Waiting | undefined> {
  const [row] = await session.query<Row>(`
    SELECT count(*)::int AS segments, ${utc('min(s.modification)')} AS since,
      (count(*) * (SELECT setting::float8 FROM pg_settings WHERE name = 'wal_segment_size'))::float8 AS bytes,
      max(CASE WHEN failing THEN a.last_failed_wal END) AS name, max(CASE WHEN failing THEN ${utc('a.last_failed_time')} END) AS at
    FROM pg_ls_archive_statusdir() s, pg_stat_archiver a,
      LATERAL (SELECT a.last_failed_time > coalesce(a.last_archived_time, '-infinity') AS failing) f
    WHERE s.name LIKE '%.ready' AND current_setting('archive_mode') <> 'off'`)
  if (row === undefined || row.since === null) return undefined
  const { segments, bytes, since, name, at } = row
  return { segments, bytes, since, failed: name === null || at === null ? undefined : { name, at } }
}

function utc(time: string): string {
  return `to_char(${time} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`
}
