// The snapshots of a plan, in the project's folder and in its destinations.

import { isCode, messageOf } from '../../base/errors.ts'
import { withLock } from '../../base/locks.ts'
import type { Plan } from '../../project/plans.ts'
import { manifestNameOf } from '../../snapshots/naming.ts'
import { openParcel, pack } from '../../snapshots/parcel.ts'
import type { Listed } from '../../snapshots/repository.ts'
import { clearUp } from '../../snapshots/unfinished.ts'
import type { Context } from '../context.ts'
import { sweepDeleted, throwAway } from '../discard.ts'
import { renewLatest, type Own } from '../latest.ts'
import { changingSnapshots, remember, shelfOf, viewOf } from '../library.ts'
import { judged } from '../prune.ts'
import type { Watching } from '../watching.ts'
import type { Held, Rack } from './rack.ts'

export interface HeldSnapshot extends Held {
  readonly listed: Own
}

export function snapshotRack(context: Context, plan: Plan): Rack<HeldSnapshot> {
  return {
    folder: context.paths.snapshots,
    async list(folder) {
      const own = (await shelfOf(context, folder).repository.list()).filter((listed) => isOf(context, plan, listed))
      return Promise.all(own.map((listed) => heldOf(context, folder, listed)))
    },
    checkDigest: (folder, item, view) => checkDigest(context, folder, item, view),
    copy: (from, item, to, view) => copy(context, from, item, to, view),
    async discard(folder, items) {
      const { repository } = shelfOf(context, folder)
      const going = items.map(({ listed: { stem, manifest } }) => ({ folder, repository, stem, manifest }))
      await throwAway(context, going, 'schedule prune', false)
    },
    sweep: () => sweepDeleted(context),
  }
}

function isOf({ root }: Context, { name }: Plan, listed: Listed): listed is Own {
  return listed.kind === 'snapshot' && listed.manifest.plan === name && listed.manifest.project === (root.split('/').at(-1) ?? '')
}

async function heldOf(context: Context, folder: string, listed: Own): Promise<HeldSnapshot> {
  const { manifest } = listed
  const { path, bytes } = viewOf(folder, listed)
  return { ...(await judged(context, listed)), covers: [manifest.database], complete: true, bytes, path, listed }
}

async function checkDigest(context: Context, folder: string, { listed: { stem, manifest } }: HeldSnapshot, view: Watching): Promise<void> {
  const { repository } = shelfOf(context, folder)
  try {
    await repository.verifyDigest(manifest, (done, total) => view.bytes(done, total), view.signal)
  } catch (error) {
    if (isCode(error, 'CORRUPT')) {
      const verification = { at: new Date().toISOString(), ok: false, detail: messageOf(error) }
      await changingSnapshots(context, 'noting a verdict', () => repository.update(stem, { verification }))
    }
    throw error
  }
}

async function copy(context: Context, from: string, { listed, id, path }: HeldSnapshot, to: string, view: Watching): Promise<void> {
  const purpose = `copying ${path} to ${to}`
  const target = context.parts.openFolder(to)
  await withLock(context.paths.snapshotLock(id), { purpose, shared: true, signal: view.signal }, async () => {
    await clearUp(target)
    const parcel = await openParcel(pack(context.parts.openFolder(from), { stem: listed.stem, manifest: listed.manifest }, () => {}))
    try {
      const named = await parcel.into(target, (bytes) => view.bytes(bytes), view.signal)
      const { repository } = shelfOf(context, to)
      try {
        await repository.verifyDigest(named.manifest, () => {}, view.signal)
      } catch (error) {
        if (isCode(error, 'CORRUPT')) {
          for (const key of [manifestNameOf(named.stem), ...named.manifest.files.map(({ name }) => name)]) await target.delete(key)
        }
        throw error
      }
      await renewLatest(context, to, named.manifest.database)
      await remember(context, to)
    } finally {
      await parcel.close()
    }
  })
}
