// audit: the lines of `.hayai/audit.log` put together again, one entry for each act, and whether the log is as it was written.

import { linesOf, type Entry } from '../base/chained-log.ts'
import { HayaiError } from '../base/errors.ts'
import { isAlive } from '../base/processes.ts'
import { lengthOf, parseDuration } from '../snapshots/retention.ts'
import { hostname } from 'node:os'
import type { AuditAnswer, AuditEntry, AuditFlaw, AuditRequest } from './overseeing.ts'
import type { Context } from './context.ts'

export async function auditLog({ paths }: Context, request: AuditRequest = {}): Promise<AuditAnswer> {
  const since = request.since === undefined ? undefined : sinceOf(request.since)
  const acts = new Map<string, Draft>()
  const drafts: Draft[] = []
  const flaws: AuditFlaw[] = []
  const cut: number[] = []
  let missed = 0
  for await (const line of linesOf({ log: paths.auditLog, head: paths.auditHead })) {
    if (line.kind === 'cut') cut.push(line.number)
    else if (line.kind === 'flaw') flaws.push({ line: line.number, what: line.what })
    else {
      take(line.entry, acts, drafts)
      if (typeof line.entry['missed'] === 'number') missed += line.entry['missed']
    }
  }
  const entries = drafts
    .map(({ started, ...entry }) =>
      entry.outcome === 'open' ? { ...entry, outcome: stateOf(entry, started) } : { ...entry, outcome: entry.outcome },
    )
    .filter((entry) => since === undefined || Date.parse(entry.ended ?? entry.at) >= since)
    .filter((entry) => request.database === undefined || concerns(entry, request.database))
  return { entries, whole: flaws.length === 0, flaws, cut, missed }
}

function sinceOf(text: string): number {
  const now = new Date()
  const length = lengthOf(parseDuration(text), now)
  if (length > 0) return now.getTime() - length
  throw new HayaiError('USAGE', `${JSON.stringify(text)} is no length of time`, { hint: 'For example: hayai audit --since 7d' })
}

interface Draft extends Omit<AuditEntry, 'outcome'> {
  readonly outcome: 'open' | 'done' | 'failed'
  /** When the process started that did it, as the system tells it. */
  readonly started: string | undefined
}

/** A line of its own is an entry; those of an act are one together. */
function take(line: Entry, acts: Map<string, Draft>, drafts: Draft[]): void {
  const act = text(line['act'])
  const at = acts.get(act ?? '')
  const fact = factIn(line)
  if (act === undefined) {
    if (fact !== undefined)
      drafts.push({ ...base(line), verb: fact.verb, databases: namesIn([fact.database]), facts: [fact], ...endOf(line) })
    return
  }
  const before = at ?? { ...base(line), verb: text(line['began']) ?? fact?.verb ?? '', databases: namesIn(line['databases']) }
  const after =
    fact === undefined
      ? { ...before, ...(line['ended'] === undefined ? {} : endOf(line)) }
      : { ...before, databases: namesIn([...before.databases, fact.database]), facts: [...before.facts, fact] }
  acts.set(act, after)
  if (at === undefined) drafts.push(after)
  else drafts[drafts.lastIndexOf(at)] = after
}

function base(line: Entry): Omit<Draft, 'verb' | 'databases'> {
  return {
    at: text(line['at']) ?? '',
    ended: null,
    by: text(line['by']) ?? '',
    sudo: text(line['sudo']) ?? null,
    host: text(line['host']) ?? null,
    pid: typeof line['pid'] === 'number' ? line['pid'] : null,
    via: line['via'] === 'schedule' ? 'schedule' : 'command',
    of: text(line['of']) ?? null,
    outcome: 'open',
    error: null,
    facts: [],
    started: text(line['started']),
  }
}

function endOf(line: Entry): Pick<Draft, 'ended' | 'outcome' | 'error'> {
  const failed = line['ended'] === 'failed' || line['ok'] === false
  const code = text(line['code'])
  return {
    ended: text(line['at']) ?? null,
    outcome: failed ? 'failed' : 'done',
    error: line['ended'] === 'failed' ? { code: code ?? 'UNEXPECTED', message: text(line['message']) ?? '' } : null,
  }
}

const FRAME = new Set(['at', 'by', 'sudo', 'host', 'pid', 'act', 'missed'])

function factIn(line: Entry): AuditEntry['facts'][number] | undefined {
  const { verb, database } = line
  if (typeof verb !== 'string' || typeof database !== 'string') return undefined
  const details = Object.fromEntries(Object.entries(line).filter(([key]) => !FRAME.has(key)))
  return { ...details, verb, database }
}

function namesIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? [...new Set(value.filter((name): name is string => typeof name === 'string' && name !== ''))] : []
}

/** Of an act without an end: only the machine on which it is can tell whether it is still at work. */
function stateOf({ host, pid }: Pick<AuditEntry, 'host' | 'pid'>, started: string | undefined): 'running' | 'unfinished' {
  const here = host === hostname() && pid !== null && started !== undefined
  return here && isAlive({ pid, started }) ? 'running' : 'unfinished'
}

function concerns({ databases, of }: AuditEntry, name: string): boolean {
  return databases.includes(name) || of === name
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
