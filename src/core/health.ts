// health: what lies in the folders and what the audit log remembers, judged by src/snapshots/health.ts.

import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { basename, dirname } from 'node:path'
import { HayaiError } from '../base/errors.ts'
import { exists, freeBytes } from '../base/files.ts'
import { readCatalog } from '../project/catalog.ts'
import { judgeDatabase, judgeRoom, judgeUnread, type Copy, type Finding, type Room, type Subject } from '../snapshots/health.ts'
import { lengthOf, parseDuration } from '../snapshots/retention.ts'
import { backupsOf } from './backup/shelf.ts'
import type { BackupView } from './backup-answers.ts'
import { refuseUncreated, type Context } from './context.ts'
import { shelvesOf, type Shelf } from './library.ts'
import { planFindings } from './plan-findings.ts'
import type { DatabaseHealth, HealthAnswer, HealthRequest, Proof } from './overseeing.ts'
import { serversOf } from './concerns.ts'

/** A daily one, and two hours for one that was late. */
const DAILY = '26h'

export async function health(context: Context, request: HealthRequest = {}): Promise<HealthAnswer> {
  const maxAge = request.maxAge ?? DAILY
  const now = new Date()
  const limits = { now, maxAge: maxAgeOf(maxAge, now), maxAgeText: maxAge }
  await refuseUncreated(context)
  const names = Object.keys((await readCatalog(context.root)).databases)
  const shelves = await shelvesOf(context)
  const { copies, unread } = await copiesOn(shelves)
  const backups = (await backupsOf(context)).map(({ view }) => view).filter(({ whole }) => whole)
  const proofs = await proofsIn(context.paths.auditLog)
  const subjects = names.map((database) => ({ database, copies: copies.get(database) ?? [], backups: madeOf(backups, database) }))
  const servers = await serversOf(context, now)
  const judged = subjects.map((subject) => ({
    subject,
    findings: [...judgeDatabase(subject, limits), ...(servers.get(subject.database)?.findings ?? [])],
  }))
  const rooms = await roomsOf(context, subjects, backups)
  const findings: readonly Finding[] = [
    ...judged.flatMap((each) => each.findings),
    ...unread.map(judgeUnread),
    ...rooms.flatMap(judgeRoom),
    ...(await planFindings(context, now)),
  ]
  const databases = judged.map(({ subject, findings: own }) =>
    stateOf(subject, own, proofs.get(subject.database), servers.get(subject.database)?.until),
  )
  return { healthy: findings.length === 0, databases, findings, maxAge }
}

function maxAgeOf(text: string, now: Date): number {
  const length = lengthOf(parseDuration(text), now)
  if (length > 0) return length
  throw new HayaiError('USAGE', `${JSON.stringify(text)} is no length of time`, { hint: `For example: hayai health --max-age ${DAILY}` })
}

interface Copies {
  readonly copies: ReadonlyMap<string, readonly Copy[]>
  /** Why those whose manifest cannot be read cannot. */
  readonly unread: readonly string[]
}

async function copiesOn(shelves: readonly Shelf[]): Promise<Copies> {
  const found = new Map<string, Copy[]>()
  const unread: string[] = []
  for (const { repository } of shelves) {
    for (const listed of await repository.list()) {
      if (listed.kind === 'damaged') unread.push(listed.reason)
      if (listed.kind !== 'snapshot') continue
      const { manifest, flaw } = listed
      const { id, database, instant, format, files, verification } = manifest
      const sum = (which: 'plain' | 'stored'): number => files.reduce((bytes, file) => bytes + file[which].bytes, 0)
      const verified = verification === null ? undefined : { at: new Date(verification.at), ok: verification.ok }
      const copy = {
        id,
        name: files[0]?.name ?? id,
        time: new Date(instant),
        format,
        plain: sum('plain'),
        stored: sum('stored'),
        flaw,
        verified,
      }
      found.set(database, [...(found.get(database) ?? []), copy])
    }
  }
  return { copies: found, unread }
}

function madeOf(backups: readonly BackupView[], database: string): readonly Date[] {
  return backups
    .filter(({ databases }) => databases.some((each) => each.database === database))
    .flatMap(({ created }) => (created === null ? [] : [new Date(created)]))
}

/** The project's own folder has to hold one more snapshot of each database, and that of backups one more backup. */
async function roomsOf(context: Context, subjects: readonly Subject[], backups: readonly BackupView[]): Promise<readonly Room[]> {
  const { snapshots, backups: folder } = context.paths
  const next = subjects.reduce((sum, { copies }) => sum + (newestOf(copies)?.stored ?? 0), 0)
  const rooms: Room[] = next === 0 ? [] : [{ folder: basename(snapshots), free: await freeBytes(snapshots), next }]
  const [backup] = backups.filter(({ path }) => dirname(path) === folder)
  if (backup !== undefined) rooms.push({ folder: basename(folder), free: await freeBytes(folder), next: backup.bytes })
  return rooms
}

function newestOf(copies: readonly Copy[]): Copy | undefined {
  return copies.filter(({ flaw }) => flaw === undefined).toSorted((a, b) => b.time.getTime() - a.time.getTime())[0]
}

function stateOf(subject: Subject, findings: readonly Finding[], proof: Proof | undefined, until: Date | undefined): DatabaseHealth {
  const { database, copies, backups } = subject
  const verified = copies.flatMap(({ verified: verdict }) =>
    verdict?.ok === true ? [{ at: verdict.at.toISOString(), by: 'verify' as const }] : [],
  )
  const proofs: readonly Proof[] = [...verified, ...(proof === undefined ? [] : [proof])]
  return {
    database,
    healthy: findings.length === 0,
    snapshots: copies.filter(({ flaw }) => flaw === undefined).length,
    newestSnapshot: newestOf(copies)?.time.toISOString() ?? null,
    newestBackup: backups.toSorted((a, b) => b.getTime() - a.getTime())[0]?.toISOString() ?? null,
    certificate: until?.toISOString() ?? null,
    proven: proofs.toSorted((a, b) => b.at.localeCompare(a.at))[0] ?? null,
  }
}

/** What counts as a proof: after each of these, the data was restored and counted. */
const PROOFS = ['verify', 'restore', 'backup restore'] as const

/** The last one of each database. A line that cannot be read tells nothing, and is passed over: the log is no source of truth. */
async function proofsIn(auditLog: string): Promise<ReadonlyMap<string, Proof>> {
  const last = new Map<string, Proof>()
  if (!(await exists(auditLog))) return last
  for await (const line of createInterface({ input: createReadStream(auditLog), crlfDelay: Infinity })) {
    const entry = entryOf(line)
    if (entry !== undefined) last.set(entry.database, entry.proof)
  }
  return last
}

function entryOf(line: string): { readonly database: string; readonly proof: Proof } | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined // the last line of a machine that lost power
  }
  if (typeof value !== 'object' || value === null || !('verb' in value) || !('at' in value) || !('database' in value)) return undefined
  const { verb, at, database } = value
  const by = PROOFS.find((each) => each === verb)
  if (by === undefined || typeof at !== 'string' || typeof database !== 'string') return undefined
  if (by === 'verify' && (!('ok' in value) || value.ok !== true)) return undefined
  return { database, proof: { at, by } }
}
