// hayai restore

import { HayaiError, type Project, type RestoreAnswer } from '../../index.ts'
import { CHANGING } from '../arguments.ts'
import { command, given, type Session } from '../command.ts'
import type { Style } from '../output.ts'
import { age, contents, duration, place, size } from '../wording.ts'
import { checkLines } from './checks.ts'
import { restorePieces, wantedPieces } from './restore-pieces.ts'

export const restore = command({
  about:
    'Fills an empty database beside the live one, counts it against the snapshot, and only then puts it in place. If anything ' +
    'fails, the live database is as it was. The data before is kept, and `hayai undo` goes back to it. With --table or --key only ' +
    'those pieces are put into the live database, and all else in it stays. A container that Hayai did not make is stopped, gets ' +
    'the data in its own volume, and is started again; without a terminal that wants -y.',
  positionals: {
    ref: {
      brief: 'a path, a file name, an id or the start of one; NAME@latest, or with --latest a database',
      optional: true,
      proposes: 'snapshots',
    },
  },
  flags: {
    latest: { kind: 'switch', brief: 'The newest snapshot of the database that is named' },
    to: { kind: 'text', value: 'NAME', brief: 'Into another database; it is made when it is not there', proposes: 'databases' },
    engine: { kind: 'text', value: 'ENGINE', brief: 'The engine of a file that has no manifest', proposes: 'engines' },
    table: { kind: 'list', value: 'TABLE', brief: 'Only this table, beside what is there: users, public.users; as often as wanted' },
    as: { kind: 'list', value: 'NAME', brief: 'Another name for the table: users_old, old.users; one for each --table' },
    key: { kind: 'list', value: 'PATTERN', brief: "Only these keys, by Redis's own patterns: session:*; as often as wanted" },
    db: { kind: 'whole', value: 'NUMBER', brief: 'Only keys of this db' },
    replace: { kind: 'switch', brief: 'Put tables or keys over those that are there; a snapshot is taken before' },
    ...CHANGING,
  },
  examples: {
    'hayai restore mydb --latest': 'the newest snapshot of mydb',
    'hayai restore 3f2a91c0 --to mydb-copy': 'into another database',
    'hayai restore ./old.sql --engine postgresql --to mydb': 'a dump that Hayai did not make',
    'hayai restore mydb --latest --table users --as users_then': 'one table, beside the one that is there',
    "hayai restore cache --latest --key 'session:*' --replace": 'some keys, over those that are there',
    'hayai restore mydb --latest --dry-run': 'the plan and the checks, and no change',
  },
  failures: ['NOT_FOUND', 'CONFLICT', 'TOOL_FAILED', 'CORRUPT', 'STORE_FAILED'],
  async run({ args, flags, session }) {
    const ask = session.interactive && !flags.yes
    if (args.ref === undefined && !ask) throw noReference(flags.latest)
    const project = await session.open()
    const reference = args.ref ?? (await chooseSnapshot(project, session))
    const request = { reference, latest: flags.latest, ...given({ to: flags.to, engine: flags.engine }) }
    const wanted = wantedPieces(flags)
    if (wanted !== undefined) return restorePieces(project, { ...request, ...wanted, dryRun: flags['dry-run'] }, ask, session)
    if (ask && !flags['dry-run']) {
      const preview = await project.restore({ ...request, dryRun: true, unread: true }, session.watch)
      const { agree } = await import('../questions.ts')
      await agree(question(preview), session)
    }
    const answer = await project.restore({ ...request, dryRun: flags['dry-run'], stopContainer: ask || flags.yes }, session.watch)
    return { data: answer, text: (style) => restoreText(answer, style) }
  },
})

function noReference(latest: boolean): HayaiError {
  return new HayaiError(
    'USAGE',
    latest ? 'hayai restore --latest needs the name of a database' : 'hayai restore needs to know which snapshot',
    {
      hint: 'Write `hayai restore mydb --latest`, or pick one from `hayai snapshot list`.',
    },
  )
}

async function chooseSnapshot(project: Project, session: Session): Promise<string> {
  const views = (await project.snapshots()).filter(({ foreign }) => !foreign)
  if (views.length === 0) throw new HayaiError('NOT_FOUND', 'there are no snapshots yet', { hint: 'Take one with `hayai snapshot mydb`.' })
  const { askChoice } = await import('../questions.ts')
  const choices = views.map(({ id, database, created, bytes, comment, path }) => ({
    value: id,
    label: `${database}, ${age(created)}, ${size(bytes)}${comment === null ? '' : `: ${comment}`}`,
    hint: place(path),
  }))
  return askChoice('Which snapshot shall be restored?', choices, session)
}

function question({ database, container, snapshot }: RestoreAnswer): string {
  const from = `${place(snapshot.path)} (${age(snapshot.created)})`
  if (container !== null) {
    return `"${database}" is in the container ${container}, which Hayai did not make. It will be stopped, get the data of ${from} in its own volume, and be started again; whoever is connected is cut off. What it holds now is kept, and \`hayai undo\` brings it back in the same way. Go on?`
  }
  return `Restore "${database}" from ${from}? What it holds now is kept, and \`hayai undo\` brings it back.`
}

function restoreText(answer: RestoreAnswer, style: Style): string {
  const { database, snapshot, plan, checks, census, notes, undo, seconds, dryRun } = answer
  const told = notes.map((note) => `  note: ${note}`)
  if (dryRun) {
    const steps = plan.map((step, index) => `  ${index + 1}. ${step}`)
    return [style.bold('plan'), ...steps, style.bold('checks'), ...checkLines(checks, style), ...told, 'Nothing was changed.'].join('\n')
  }
  const lines = [
    `${style.good('✓')} restored ${style.bold(database)} from ${place(snapshot.path)} (${size(snapshot.bytes)}, ${duration(seconds)})`,
  ]
  if (census !== null) {
    const how = census.moving === true ? 'as the copy began, while others wrote' : 'as counted when the snapshot was taken'
    lines.push(`  ${contents(census, snapshot.engine)}, ${how}`)
  }
  lines.push(...told)
  if (undo !== null) lines.push(`  take it back: ${undo}`)
  return lines.join('\n')
}
