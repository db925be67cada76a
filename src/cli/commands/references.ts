// How the subcommands of `snapshot` are told which snapshot, and how they say it.

import type { SnapshotView } from '../../index.ts'
import { given } from '../command.ts'
import type { Style } from '../output.ts'
import { place, size } from '../wording.ts'

export const REF = {
  brief: 'a path, a file name, an id or the start of one; NAME@latest, or with --latest a database',
  proposes: 'snapshots',
} as const

export const FOLDER = {
  directory: { kind: 'text', short: 'd', value: 'DIR', brief: 'Look in this folder alone', proposes: 'folders' },
} as const

export const WHICH = {
  latest: { kind: 'switch', brief: 'The newest snapshot of the database that is named' },
  ...FOLDER,
} as const

export function referenceOf(reference: string, flags: { readonly latest: boolean; readonly directory: string | undefined }) {
  return { reference, latest: flags.latest, ...given({ folder: flags.directory }) }
}

/** `3f2a91c0 mydb snapshots/mydb-snapshot-....sql (1.2 MB)` */
export function snapshotLine({ id, database, path, bytes }: SnapshotView, style: Style): string {
  return [id.slice(0, 8), style.bold(database), place(path), ...(bytes === 0 ? [] : [`(${size(bytes)})`])].join(' ')
}
