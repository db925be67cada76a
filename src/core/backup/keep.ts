// Living with backups: what there is, and what of it can be relied on.

import type { BackupReference, BackupView } from '../backup-answers.ts'
import type { Context } from '../context.ts'
import { addedTo, backupsIn, findBackup, folderOf } from './shelf.ts'

export async function backups(context: Context, folder: string | undefined): Promise<readonly BackupView[]> {
  return (await backupsIn(folderOf(context, folder))).map(({ view }) => view)
}

export async function showBackup(context: Context, request: BackupReference): Promise<BackupView> {
  const { view, manifest } = await findBackup(context, request)
  const added = (await addedTo(view.path, manifest)).map((name) => `${name} does not belong to it.`)
  return { ...view, flaws: [...view.flaws, ...added] }
}
