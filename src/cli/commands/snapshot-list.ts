// hayai snapshot list

import type { DeletedView, SnapshotView } from '../../index.ts'
import { command, given } from '../command.ts'
import type { Style } from '../output.ts'
import { age, cut, moment, place, size, table } from '../wording.ts'

export const snapshotList = command({
  about:
    'Lists the snapshots of the project, the newest first as the project tells them, with their size, age, comment, and whether ' +
    'they were ever verified. A file without a manifest is listed as foreign; it can be restored when --engine is named.',
  positionals: {},
  flags: {
    directory: { kind: 'text', short: 'd', value: 'DIR', brief: 'Another folder', proposes: 'folders' },
    deleted: { kind: 'switch', brief: 'Those that were deleted, and can still come back' },
  },
  examples: {
    'hayai snapshot list': 'those of this project',
    'hayai snapshot list -d ./my-backups': 'those of a folder',
    'hayai snapshot list --deleted': 'those that `hayai snapshot undelete` can bring back',
    "hayai snapshot list --json | jq -r '.data[].path'": 'for scripts',
  },
  failures: ['NOT_FOUND', 'STORE_FAILED'],
  async run({ flags, session }) {
    const project = await session.open()
    if (flags.deleted) {
      const deleted = await project.deletedSnapshots(given({ folder: flags.directory }))
      return { data: deleted, text: (style) => deletedText(deleted, style) }
    }
    const views = await project.snapshots(given({ folder: flags.directory }))
    return { data: views, text: (style) => listText(views, style) }
  },
})

// The whole of it is in `snapshot show`; a longer one would push the file off the screen.
const COMMENT = 60

function listText(views: readonly SnapshotView[], style: Style): string {
  if (views.length === 0) return 'There are no snapshots yet.\n  take one: hayai snapshot mydb'
  const rows = views.map((view) => [
    view.id.slice(0, 8) || '-',
    view.database || '?',
    view.foreign ? `${view.format} (foreign)` : view.format,
    size(view.bytes),
    age(view.created),
    verdict(view),
    cut(
      [view.manifest?.pinned === true ? 'pinned' : '', view.comment ?? '', ...view.tags.map((tag) => `#${tag}`)]
        .filter((word) => word !== '')
        .join(' ')
        .replaceAll(/\s+/g, ' '),
      COMMENT,
    ),
    place(view.path),
  ])
  return table(['ID', 'DATABASE', 'FORMAT', 'SIZE', 'AGE', 'VERIFIED', 'COMMENT', 'FILE'], rows, style)
}

function deletedText(views: readonly DeletedView[], style: Style): string {
  if (views.length === 0) return 'No deleted snapshots are waiting.'
  const rows = views.map(({ id, database, name, deletedAt, until, undo }) => [
    id.slice(0, 8),
    database,
    name,
    age(deletedAt),
    moment(until),
    undo,
  ])
  return table(['ID', 'DATABASE', 'NAME', 'DELETED', 'UNTIL', 'BRING BACK'], rows, style)
}

function verdict({ verified }: SnapshotView): string {
  if (verified === null) return 'never'
  return verified.ok ? `yes, ${age(verified.at)}` : `FAILED, ${age(verified.at)}`
}
