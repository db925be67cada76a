// hayai health

import { HayaiError, type DatabaseHealth, type HealthAnswer } from '../../index.ts'
import { command, given } from '../command.ts'
import type { Style } from '../output.ts'
import { age, count, table } from '../wording.ts'

export const health = command({
  about:
    'Tells of each database whether it has a recent snapshot whose files are whole, one that was verified by a restore, and a recent ' +
    'backup in backups/; whether the newest snapshot holds less than half or more than double of what is usual (the median of up to five before ' +
    'it, of at least three); whether the disk has twice the room that the next ones take; whether a PostgreSQL that archives its log gets it archived; and whether a certificate ends within thirty days. It looks, and changes nothing; of plans it tells which failed or have been silent for long, and of a silence it also tells ' +
    'those notifications that want to know, once. ' +
    'Each thing that is not so is a finding, and any finding is exit status 9.',
  positionals: {},
  flags: {
    'max-age': { kind: 'text', value: 'DURATION', brief: 'How old may be called recent: 12h, 2d, 1w; 26h when not given' },
  },
  examples: {
    'hayai health': 'after a night with a backup in it',
    'hayai health --max-age 2d': 'for what is backed up every other day',
    "hayai health --json | jq -r '.error.details.findings[]?.message'": 'for scripts: each finding',
  },
  failures: ['NOT_FOUND', 'CORRUPT', 'STORE_FAILED'],
  async run({ flags, session }) {
    const project = await session.open()
    const answer = await project.health(given({ maxAge: flags['max-age'] }))
    if (answer.healthy) return { data: answer, text: (style) => healthText(answer, style) }
    if (session.json) throw unhealthy(answer)
    return { data: answer, text: (style) => healthText(answer, style), exit: unhealthy(answer).exitStatus }
  },
})

/** For programs a status other than 0 is a failure, and the answer stands in its details. */
function unhealthy(answer: HealthAnswer): HayaiError {
  const [first] = answer.findings
  return new HayaiError('CORRUPT', `${count(answer.findings.length, 'finding')}: ${first?.message ?? ''}`, {
    hint: first?.hint ?? '',
    details: { ...answer },
  })
}

function healthText({ healthy, databases, findings, maxAge }: HealthAnswer, style: Style): string {
  if (databases.length === 0) return 'There are no databases, so there is nothing to look after.\n  begin: hayai init -n mydb -e sqlite'
  const rows = databases.map((each) => [
    each.database,
    each.healthy ? 'yes' : 'NO',
    when(each.newestSnapshot),
    when(each.newestBackup),
    provenText(each),
  ])
  const lines = [table(['DATABASE', 'HEALTHY', 'SNAPSHOT', 'BACKUP', 'PROVEN'], rows, style)]
  for (const { message, hint } of findings) lines.push(`${style.bad('✗')} ${message}`, `  ${style.dim(hint)}`)
  for (const { database, certificate } of databases)
    if (certificate !== null) lines.push(style.dim(`  the certificate of ${database} holds until ${certificate.slice(0, 10)}`))
  if (healthy) lines.push(`${style.good('✓')} Everything has a whole, proven snapshot and a backup of the last ${maxAge}.`)
  return lines.join('\n')
}

function when(time: string | null): string {
  return time === null ? 'none' : age(time)
}

function provenText({ proven }: DatabaseHealth): string {
  return proven === null ? 'never' : `${age(proven.at)}, by ${proven.by}`
}
