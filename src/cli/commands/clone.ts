// hayai clone

import type { CloneAnswer } from '../../index.ts'
import { CHANGING } from '../arguments.ts'
import { command, given } from '../command.ts'
import type { Style } from '../output.ts'
import { contents, duration, place, stopping } from '../wording.ts'
import { checkLines } from './checks.ts'
import { where } from './views.ts'

export const clone = command({
  about:
    'Makes a new database with the content of another: what that one holds at this instant, or what a snapshot holds. It is filled ' +
    'beside everything else and counted, gets the settings, the user and the database name of the source, and a port and a password ' +
    'of its own. With --force a database that is there gets the content instead, and `hayai undo` takes that back.',
  positionals: {
    source: { brief: 'the database to clone', proposes: 'databases' },
    name: { brief: 'what the new one shall be called', proposes: 'databases' },
  },
  flags: {
    snapshot: {
      kind: 'text',
      value: 'REF',
      brief: 'The content of a snapshot, not the live one: a path, a file name, an id',
      proposes: 'snapshots',
    },
    port: { kind: 'whole', short: 'p', value: 'PORT', brief: 'The port of its server; a free one from 5000 to 6000 when not given' },
    force: { kind: 'switch', brief: 'Give a database that is there this content' },
    ...CHANGING,
  },
  examples: {
    'hayai clone shop shop-branch': 'for a branch whose migrations shall not touch the rest',
    'hayai clone shop shop-then --snapshot 3f2a91c0': 'to look at what was',
    'hayai clone shop staging --force': 'a fresh copy in place of the one that is there',
  },
  failures: ['NOT_FOUND', 'CONFLICT', 'WRONG_STATE', 'TOOL_FAILED', 'CORRUPT'],
  async run({ args, flags, session }) {
    const project = await session.open()
    const request = { from: args.source, to: args.name, force: flags.force, ...given({ snapshot: flags.snapshot, port: flags.port }) }
    if (session.interactive && !flags.yes && !flags['dry-run'] && flags.force) {
      const preview = await project.clone({ ...request, dryRun: true }, session.watch)
      const { agree } = await import('../questions.ts')
      if (preview.replaced)
        await agree(
          `Give "${args.name}" the content of "${args.source}"? What it holds now is kept, and \`hayai undo\` brings it back.${stopping(preview.container)}`,
          session,
        )
    }
    const stopContainer = session.interactive || flags.yes
    const answer = await project.clone({ ...request, dryRun: flags['dry-run'], stopContainer }, session.watch)
    return { data: answer, text: (style) => cloneText(answer, style) }
  },
})

function cloneText(answer: CloneAnswer, style: Style): string {
  const { from, to, snapshot, plan, checks, census, notes, database, replaced, undo, seconds, dryRun } = answer
  if (dryRun) {
    const steps = plan.map((step, index) => `  ${index + 1}. ${step}`)
    const looked = checks.length === 0 ? [] : [style.bold('checks'), ...checkLines(checks, style)]
    return [style.bold('plan'), ...steps, ...looked, 'Nothing was changed.'].join('\n')
  }
  const origin = snapshot === null ? style.bold(from) : place(snapshot.path)
  const at = database === null ? '' : where(database)
  const lines = [
    `${style.good('✓')} cloned ${origin} to ${style.bold(to)} (${[at, duration(seconds)].filter((part) => part !== '').join(', ')})`,
    ...(census === null ? [] : [`  ${contents(census, database?.engine ?? '')}, counted`]),
    ...notes.map((note) => `  note: ${note}`),
    `  connect: hayai connect ${to}`,
  ]
  if (replaced && undo !== null) lines.push(`  take it back: ${undo}`)
  return lines.join('\n')
}
