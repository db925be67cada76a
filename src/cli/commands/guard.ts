// hayai guard

import type { GuardAnswer, Guarded, SnapshotView } from '../../index.ts'
import { command } from '../command.ts'
import type { Style } from '../output.ts'
import { count, place, size } from '../wording.ts'
import { diffText } from './diff-text.ts'

export const guard = command({
  about:
    'Takes a snapshot of each database, runs the command with the terminal in its hands, and shows what it has changed. The exit ' +
    'status is that of the command. When it fails you are asked whether to bring the snapshots back; --undo-on-failure does it ' +
    'without asking, and `hayai undo` takes that back too. Without its snapshots the command is never run. What others change ' +
    'meanwhile is told, and taken back, like what the command changes. Words of Hayai go to standard error.',
  positionals: {
    names: { brief: 'the databases; all that can be used now when none is named', many: true, proposes: 'databases' },
    command: { brief: 'what to run, as it is and without a shell', behind: true },
  },
  flags: {
    'undo-on-failure': { kind: 'switch', brief: 'Bring the snapshots back when the command fails, without asking' },
    data: { kind: 'switch', brief: 'Also compare the rows of tables with as many as before' },
    'dry-run': { kind: 'switch', brief: 'Say what would be done, and neither take a snapshot nor run the command' },
  },
  examples: {
    'hayai guard -- npm run migrate': 'all databases that run',
    'hayai guard shop --undo-on-failure -- npx prisma migrate deploy': 'in a script: all of it, or nothing',
    'hayai guard shop -- sh -c "psql -f one.sql && psql -f two.sql"': 'a line of shell',
  },
  failures: ['NOT_FOUND', 'WRONG_STATE', 'ENVIRONMENT', 'TOOL_FAILED', 'CORRUPT', 'STORE_FAILED', 'INTERRUPTED'],
  async run({ args, flags, session }) {
    const { checkProgram, runAttached } = await import('../attached.ts')
    await checkProgram(args.command[0] ?? '')
    const project = await session.open()
    let asked = false
    const ask = async (answer: GuardAnswer): Promise<boolean> => {
      asked = true
      session.tell((style) => guardText(answer, style))
      const { wants } = await import('../questions.ts')
      return wants(question(answer), session)
    }
    const answer = await project.guard(
      {
        databases: args.names,
        label: args.command.join(' '),
        command: (snapshots) => {
          session.tell((style) => takenText(snapshots, style))
          return runAttached(args.command, session)
        },
        undo: flags['undo-on-failure'] || (session.interactive ? ask : false),
        data: flags.data,
        dryRun: flags['dry-run'],
      },
      session.watch,
    )
    if (answer.dryRun) return { data: answer, text: () => [...answer.plan.map((step) => `would ${step}`), 'Nothing was done.'].join('\n') }
    if (!session.json) session.tell((style) => (asked ? endText(answer, style) : guardText(answer, style)))
    return { data: answer, text: () => '', exit: answer.status ?? 0 }
  },
})

function takenText(snapshots: readonly SnapshotView[], style: Style): string {
  return snapshots
    .map(({ database, path, bytes, id }) => {
      const back = `hayai restore ${id.slice(0, 8)} --to ${database}`
      return `${style.good('✓')} snapshot of ${style.bold(database)}: ${place(path)} (${size(bytes)}); back to it: ${back}`
    })
    .join('\n')
}

function question({ status, databases }: GuardAnswer): string {
  const names = databases.map(({ database }) => `"${database}"`).join(', ')
  return `The command failed (exit ${status}). Bring ${names} back as before it? \`hayai undo\` would take that back.`
}

function guardText(answer: GuardAnswer, style: Style): string {
  const { status, databases } = answer
  const verdict = status === 0 ? `${style.good('✓')} the command succeeded` : `${style.bad('✗')} the command failed (exit ${status})`
  return ['', verdict, ...databases.map((each) => changesText(each, style)), endText(answer, style)]
    .filter((text, at) => at === 0 || text !== '')
    .join('\n')
}

function changesText({ database, diff, problem }: Guarded, style: Style): string {
  if (diff === null) return `${style.warn('!')} ${style.bold(database)} cannot be asked what has changed: ${problem ?? ''}`
  return diffText(diff, style)
}

function endText({ databases, undone }: GuardAnswer, style: Style): string {
  const lines = databases.flatMap(({ undo }) => (undo === null ? [] : [undo]))
  if (!undone) return lines.map((line) => `  back to before: ${line}`).join('\n')
  const done = `${style.good('✓')} ${count(databases.length, 'database')} as before the command`
  return [done, ...lines.map((line) => `  take that back: ${line}`)].join('\n')
}
