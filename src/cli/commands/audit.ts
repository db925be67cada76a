// hayai audit

import { HayaiError, type AuditAnswer, type AuditEntry } from '../../index.ts'
import { command, given } from '../command.ts'
import type { Style } from '../output.ts'
import { count, table } from '../wording.ts'

export const audit = command({
  about:
    'Shows every change and every restore in the order in which they happened: when, who, on which machine, what, and how it ended, ' +
    'also what failed and what began and has no end. The log is .hayai/audit.log; each of its lines ends with a digest of itself and ' +
    'the line before. A line that was changed, put in or taken out is told, with exit status 9; a line that a crash has cut is told, ' +
    'and is no failure. It looks, and changes nothing.',
  positionals: { name: { brief: 'Only what concerns this database', optional: true, proposes: 'databases' } },
  flags: {
    since: { kind: 'text', value: 'DURATION', brief: 'Only what was not over before: 12h, 7d, 1m' },
  },
  examples: {
    'hayai audit --since 7d': 'what happened in the last week',
    'hayai audit shop': 'what was done to one database',
    'hayai audit --json | jq -r \'.data.entries[] | select(.outcome == "failed") | .error.message\'': 'for scripts: what failed',
  },
  failures: ['NOT_FOUND', 'CORRUPT'],
  async run({ args, flags, session }) {
    const project = await session.open()
    const answer = await project.audit(given({ database: args.name, since: flags.since }))
    if (answer.whole) return { data: answer, text: (style) => auditText(answer, style) }
    if (session.json) throw changed(answer)
    return { data: answer, text: (style) => auditText(answer, style), exit: changed(answer).exitStatus }
  },
})

function changed(answer: AuditAnswer): HayaiError {
  const [first] = answer.flaws
  return new HayaiError('CORRUPT', `the audit log is not as it was written: line ${first?.line}: ${first?.what}`, {
    hint: 'Compare .hayai/audit.log with the copy in the newest backup (logs_backup/hayai.log).',
    details: { ...answer },
  })
}

function auditText({ entries, flaws, cut, missed }: AuditAnswer, style: Style): string {
  const rows = entries.map((entry) => [
    entry.at.slice(0, 19).replace('T', ' '),
    whoText(entry),
    entry.verb,
    entry.databases.join(' '),
    OUTCOMES[entry.outcome],
    aboutText(entry),
  ])
  const lines = rows.length === 0 ? ['Nothing is recorded.'] : [table(['UTC', 'WHO', 'WHAT', 'DATABASE', 'HOW', 'ABOUT'], rows, style)]
  if (cut.length > 0) lines.push(style.dim(`${count(cut.length, 'line')} cut by a crash or a full disk: ${cut.join(', ')}`))
  if (missed > 0) lines.push(style.dim(`${count(missed, 'line')} could not be written: the disk was full`))
  for (const { line, what } of flaws) lines.push(`${style.bad('✗')} line ${line}: ${what}`)
  return lines.join('\n')
}

const OUTCOMES = { done: 'done', failed: 'FAILED', running: 'at work', unfinished: 'NO END' } as const

function whoText({ by, sudo, host, via }: AuditEntry): string {
  const person = sudo === null ? by : `${sudo} as ${by}`
  return `${via === 'schedule' ? 'schedule, ' : ''}${person}${host === null ? '' : `@${host}`}`
}

function aboutText({ error, of, facts }: AuditEntry): string {
  if (error !== null) return `${error.code}: ${error.message}`
  const ids = facts.flatMap((fact) => [fact['id'], fact['snapshot']]).filter((id): id is string => typeof id === 'string')
  return [...new Set(ids.map((id) => id.slice(0, 8)))].join(' ') || (of ?? '')
}
