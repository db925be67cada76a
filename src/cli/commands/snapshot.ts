// hayai snapshot NAME, and the way to its subcommands.

import { HayaiError, type SnapshotAnswer } from '../../index.ts'
import { CHANGING } from '../arguments.ts'
import { command, given } from '../command.ts'
import type { Style } from '../output.ts'
import { contents, count, duration, place, size } from '../wording.ts'
import { ENCRYPTING, encryptingOf } from './encrypting.ts'

/** What `--compress` means when nothing more is said. */
const COMPRESSED = 'gzip'

export const snapshot = command({
  about:
    'Writes one consistent moment of a database to a file that the stock tools can restore, and a manifest beside it. The database ' +
    'stays in use, but for those that are copied at rest (`hayai engines` says which). A snapshot exists only if it is whole: a failed or interrupted one leaves nothing.',
  positionals: { name: { brief: 'the database', proposes: 'databases' } },
  flags: {
    output: {
      kind: 'text',
      short: 'o',
      value: 'DIR',
      brief: 'The folder to write it to; ./snapshots of the project when not given',
      proposes: 'folders',
    },
    compress: { kind: 'switch', short: 'c', brief: `Compress it (${COMPRESSED})` },
    compression: {
      kind: 'text',
      value: 'SPEC',
      brief: 'How to compress: none, gzip or zstd, with a level if you like: zstd:9; where a folder is copied at rest it is gzip',
      proposes: ['none', 'gzip', 'zstd'],
    },
    format: { kind: 'text', value: 'FORMAT', brief: 'The format; each engine has its own, the first is the default', proposes: 'formats' },
    comment: { kind: 'text', value: 'TEXT', brief: 'A note to be kept with it', mayBeEmpty: true },
    tag: { kind: 'list', value: 'TAG', brief: 'A tag to be kept with it; may be given again' },
    ...ENCRYPTING,
    ...CHANGING,
  },
  examples: {
    'hayai snapshot mydb': 'snapshots/mydb-snapshot-<time>.sql, and its manifest',
    'hayai snapshot mydb --compress --output ./my-backups': 'compressed, elsewhere',
    'hayai snapshot mydb --comment "before the migration" --tag release': 'to be found again',
    'hayai snapshot mydb --encrypt': 'only for whom `hayai keys show` shows',
    'hayai snapshot list': 'what there is',
  },
  failures: ['NOT_FOUND', 'WRONG_STATE', 'TOOL_FAILED', 'STORE_FAILED'],
  subcommands: {
    list: { brief: 'List the snapshots', load: async () => (await import('./snapshot-list.ts')).snapshotList },
    show: { brief: 'Show everything about one snapshot', load: async () => (await import('./snapshot-show.ts')).snapshotShow },
    verify: { brief: 'Prove that a snapshot can be restored', load: async () => (await import('./snapshot-verify.ts')).snapshotVerify },
    rename: { brief: 'Give a snapshot another name', load: async () => (await import('./snapshot-rename.ts')).snapshotRename },
    pin: { brief: 'Keep a snapshot whatever happens', load: async () => (await import('./snapshot-pin.ts')).snapshotPin },
    unpin: { brief: 'Take the pin off', load: async () => (await import('./snapshot-pin.ts')).snapshotUnpin },
    tag: { brief: 'Add tags to a snapshot, or take them off', load: async () => (await import('./snapshot-pin.ts')).snapshotTag },
    delete: { brief: 'Delete snapshots; undo brings them back', load: async () => (await import('./snapshot-delete.ts')).snapshotDelete },
    undelete: { brief: 'Bring deleted snapshots back', load: async () => (await import('./snapshot-delete.ts')).snapshotUndelete },
    prune: { brief: 'Delete old snapshots by rules', load: async () => (await import('./prune.ts')).prune },
    export: { brief: 'One file of it, for a colleague', load: async () => (await import('./snapshot-export.ts')).snapshotExport },
    import: { brief: 'Take in what was exported', load: async () => (await import('./snapshot-export.ts')).snapshotImport },
  },
  async run({ args, flags, session }) {
    const { output, format, comment } = flags
    const compression = compressionOf(flags)
    const project = await session.open()
    const request = {
      database: args.name,
      ...given({ output, format, comment, compression }),
      tags: flags.tag,
      ...encryptingOf(flags),
      dryRun: flags['dry-run'],
    }
    const answer = await project.snapshot(request, session.watch)
    return { data: answer, text: (style) => snapshotText(answer, style) }
  },
})

function compressionOf({
  compress,
  compression,
}: {
  readonly compress: boolean
  readonly compression: string | undefined
}): string | undefined {
  if (!compress) return compression
  if (compression !== 'none') return compression ?? COMPRESSED
  throw new HayaiError('USAGE', '--compress and --compression none contradict each other', { hint: 'Leave one of them out.' })
}

function snapshotText({ snapshot, latest, plan, seconds }: SnapshotAnswer, style: Style): string {
  if (snapshot === null) return [...plan.map((step) => `would ${step}`), 'Nothing was changed.'].join('\n')
  const { database, path, bytes, id, manifest } = snapshot
  const lines = [`${style.good('✓')} snapshot of ${style.bold(database)}: ${place(path)} (${size(bytes)}, ${duration(seconds)})`]
  if (manifest !== null) {
    lines.push(`  ${manifest.product} ${manifest.version}, ${contents(manifest.census, manifest.engine)}`)
    lines.push(...manifest.notes.map((note) => `  ${style.warn('note:')} ${note}`))
    if (manifest.recipients.length > 0) lines.push(`  encrypted for ${count(manifest.recipients.length, 'recipient')}`)
    if (manifest.files.length > 1) lines.push(`  ${count(manifest.files.length, 'file')}`)
  }
  if (latest !== null && latest.obstacle !== null) lines.push(`  ${style.warn('note:')} ${latest.obstacle}`)
  lines.push(`  restore: hayai restore ${id.slice(0, 8)}`)
  return lines.join('\n')
}
