// hayai snapshot delete, and undelete.

import { HayaiError, type DeleteAnswer } from '../../index.ts'
import { CHANGING } from '../arguments.ts'
import { command, given } from '../command.ts'
import type { Style } from '../output.ts'
import { count, moment, size } from '../wording.ts'
import { FOLDER, REF, snapshotLine, WHICH } from './references.ts'

export const snapshotDelete = command({
  about:
    'Deletes snapshots. For a grace period they wait in the trash of their folder, from where `hayai undo`, or the line that is ' +
    'printed, brings them back; then their room on the disk is free. A pinned one is refused: unpin it first.',
  positionals: { refs: { ...REF, many: true } },
  flags: { ...WHICH, ...CHANGING },
  examples: {
    'hayai snapshot delete 3f2a91c0': 'by id',
    'hayai snapshot delete 3f2a91c0 5d11 mydb-snapshot-2026-01-08T10-30-45Z --dry-run': 'see what would go',
    'hayai undo': 'brings them back',
  },
  failures: ['NOT_FOUND', 'CONFLICT', 'WRONG_STATE', 'LOCKED', 'STORE_FAILED'],
  async run({ args, flags, session }) {
    if (args.refs.length === 0) throw noReference('delete')
    const project = await session.open()
    const request = { references: args.refs, latest: flags.latest, ...given({ folder: flags.directory }) }
    if (session.interactive && !flags.yes && !flags['dry-run']) {
      const preview = await project.deleteSnapshots({ ...request, dryRun: true })
      const { agree } = await import('../questions.ts')
      await agree(`Delete ${count(preview.deleted.length, 'snapshot')} (${size(preview.bytes)})?${bareText(preview)}`, session)
    }
    const answer = await project.deleteSnapshots({ ...request, dryRun: flags['dry-run'] })
    return { data: answer, text: (style) => deleteText(answer, style) }
  },
})

export const snapshotUndelete = command({
  about: 'Brings deleted and pruned snapshots back, as long as their grace period has not ended.',
  positionals: {
    refs: { brief: 'what `delete` or `prune` printed, or the id or name of a deleted snapshot', many: true, proposes: 'deleted' },
  },
  flags: { ...FOLDER, ...CHANGING },
  examples: {
    'hayai snapshot list --deleted': 'those that can come back',
    'hayai snapshot undelete 3f2a91c0': 'one of them, by its id',
  },
  failures: ['NOT_FOUND', 'CONFLICT', 'STORE_FAILED'],
  async run({ args, flags, session }) {
    if (args.refs.length === 0) throw noReference('undelete')
    const project = await session.open()
    const request = { references: args.refs, ...given({ folder: flags.directory }), dryRun: flags['dry-run'] }
    const answer = await project.undeleteSnapshots(request)
    return {
      data: answer,
      text: (style) => {
        if (answer.returned.length === 0) return 'They were in their place already.'
        const lines = answer.returned.map((view) => snapshotLine(view, style))
        if (answer.dryRun) return [...lines.map((line) => `would bring back ${line}`), 'Nothing was changed.'].join('\n')
        return lines.map((line) => `${style.good('✓')} ${line} is back`).join('\n')
      },
    }
  },
})

function noReference(verb: string): HayaiError {
  const list = verb === 'delete' ? 'hayai snapshot list' : 'hayai snapshot list --deleted'
  return new HayaiError('USAGE', `hayai snapshot ${verb} needs at least one REF`, { hint: `\`${list}\` shows them.` })
}

function bareText({ bare }: DeleteAnswer): string {
  return bare.length === 0 ? '' : ` It leaves no whole snapshot of ${bare.join(', ')} there.`
}

function deleteText(answer: DeleteAnswer, style: Style): string {
  const { deleted, undo, until, dryRun } = answer
  const lines = deleted.map((view) => `${dryRun ? 'would delete' : `${style.good('✓')} deleted`} ${snapshotLine(view, style)}`)
  if (answer.bare.length > 0) lines.push(`  ${style.warn('note:')}${bareText(answer)}`)
  if (undo !== null) lines.push(`  bring back: ${undo}${until === null ? '' : ` (until ${moment(until)})`}`)
  if (dryRun) lines.push('Nothing was changed.')
  return lines.join('\n')
}
