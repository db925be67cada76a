// hayai prune, which is also `hayai snapshot prune`.

import { parseDuration, type PruneAnswer, type PruneVerdict, type Retention } from '../../index.ts'
import { CHANGING, type FlagValues } from '../arguments.ts'
import { command, given } from '../command.ts'
import { styleFor, type Style } from '../output.ts'
import { age, count, moment, place, size } from '../wording.ts'
import { FOLDER } from './references.ts'

const HOW_MANY = { kind: 'whole', value: 'N' } as const
const ELSE = { ...HOW_MANY, hidden: true, brief: 'The same, as other programs spell it' } as const

export const RULES = {
  'keep-last': { ...HOW_MANY, brief: 'Keep the N newest' },
  hourly: { ...HOW_MANY, brief: 'Keep the newest of each of the last N hours that have one' },
  daily: { ...HOW_MANY, brief: 'The same for days, as the clock of this machine has them' },
  weekly: { ...HOW_MANY, brief: 'The same for weeks, which begin on Monday' },
  monthly: { ...HOW_MANY, brief: 'The same for months' },
  yearly: { ...HOW_MANY, brief: 'The same for years' },
  within: { kind: 'text', value: 'DURATION', brief: 'Keep all that are younger than the newest by no more than: 12h, 30d, 2w, 6m, 1y' },
  last: ELSE,
  'keep-hourly': ELSE,
  'keep-daily': ELSE,
  'keep-weekly': ELSE,
  'keep-monthly': ELSE,
  'keep-yearly': ELSE,
  'keep-within': { kind: 'text', value: 'DURATION', hidden: true, brief: 'The same, as other programs spell it' },
} as const

export const prune = command({
  about:
    'Deletes old snapshots by rules, and says of each why it stays or goes. What any rule keeps stays. Whatever the rules say, of each ' +
    'database it keeps the newest whole snapshot, the newest that was proven by `verify`, what is pinned, and what is in use. What ' +
    'it deletes can come back for a grace period, like anything that `hayai snapshot delete` deletes.',
  positionals: { databases: { brief: 'the databases; all that have snapshots when none is named', many: true, proposes: 'databases' } },
  flags: { ...RULES, directory: { ...FOLDER.directory, brief: 'In this folder; ./snapshots of the project when not given' }, ...CHANGING },
  examples: {
    'hayai prune --keep-last 3 --daily 7 --weekly 4 --monthly 12 --dry-run': 'see the verdicts',
    'hayai prune mydb --within 30d': 'all of the last 30 days',
    'hayai prune --daily 7 -d ./my-backups -y': 'in another folder, for cron',
  },
  failures: ['NOT_FOUND', 'LOCKED', 'STORE_FAILED'],
  async run({ args, flags, session }) {
    const policy = policyOf(flags)
    const project = await session.open()
    const request = { databases: args.databases, policy, ...given({ folder: flags.directory }) }
    let seen = false
    if (session.interactive && !flags.yes && !flags['dry-run']) {
      const preview = await project.prune({ ...request, dryRun: true })
      const { agree } = await import('../questions.ts')
      if (preview.deleted.length > 0) {
        const lines = verdictLines(preview.verdicts, styleFor(process.stderr))
        await agree([...lines, `Delete ${count(preview.deleted.length, 'snapshot')} (${size(preview.bytes)})?`].join('\n'), session)
        seen = true
      }
    }
    const answer = await project.prune({ ...request, dryRun: flags['dry-run'] })
    return { data: answer, text: (style) => pruneText(answer, style, seen) }
  },
})

export function policyOf(flags: FlagValues<typeof RULES>): Retention {
  const within = flags.within ?? flags['keep-within']
  return given({
    last: flags['keep-last'] ?? flags.last,
    hourly: flags.hourly ?? flags['keep-hourly'],
    daily: flags.daily ?? flags['keep-daily'],
    weekly: flags.weekly ?? flags['keep-weekly'],
    monthly: flags.monthly ?? flags['keep-monthly'],
    yearly: flags.yearly ?? flags['keep-yearly'],
    within: within === undefined ? undefined : parseDuration(within),
  })
}

/** `seen`: the verdicts stand in the question above it. */
function pruneText({ verdicts, deleted, bytes, undo, until, dryRun }: PruneAnswer, style: Style, seen: boolean): string {
  if (verdicts.length === 0) return 'There are no snapshots here.'
  const lines = seen ? [] : [...verdictLines(verdicts, style)]
  const sum = `${deleted.length} of ${count(verdicts.length, 'snapshot')} (${size(bytes)})`
  if (dryRun) return [...lines, `would delete ${sum}`, 'Nothing was changed.'].join('\n')
  if (deleted.length === 0) return [...lines, 'Nothing to delete.'].join('\n')
  lines.push(`${style.good('✓')} deleted ${sum}`, `  bring back: ${undo ?? ''}${until === null ? '' : ` (until ${moment(until)})`}`)
  return lines.join('\n')
}

function verdictLines(verdicts: readonly PruneVerdict[], style: Style): readonly string[] {
  let database = ''
  return verdicts.flatMap(({ snapshot, keep, reasons }) => {
    const head = snapshot.database === database ? [] : [style.bold(snapshot.database)]
    database = snapshot.database
    const word = keep ? style.good('keep  ') : style.bad('delete')
    return [...head, `  ${word}  ${snapshot.id.slice(0, 8)}  ${place(snapshot.path)}, ${age(snapshot.created)}: ${reasons.join('; ')}`]
  })
}
