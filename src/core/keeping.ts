// Looking at one snapshot, and changing what is said of it: its name, its pin, its tags.

import { HayaiError } from '../base/errors.ts'
import { withLock } from '../base/locks.ts'
import { rename, stemFrom, type Named } from '../snapshots/renaming.ts'
import { clearUp } from '../snapshots/unfinished.ts'
import type { SnapshotView } from './answers.ts'
import { audit } from './audit.ts'
import type { Context } from './context.ts'
import type { AnnotateAnswer, AnnotateRequest, RenameAnswer, RenameRequest, SnapshotReference } from './keeping-answers.ts'
import { refreshLatest } from './latest.ts'
import { changingSnapshots, find, viewOf, type Shelf } from './library.ts'

export async function showSnapshot(context: Context, request: SnapshotReference): Promise<SnapshotView> {
  const { folder, listed } = await find(context, request)
  return viewOf(folder, listed)
}

/** A snapshot of Hayai's own, where it lies. CONFLICT for a file without a manifest. */
export async function findOwn(context: Context, request: SnapshotReference): Promise<Shelf & Named> {
  const { listed, ...shelf } = await find(context, request)
  if (listed.kind === 'snapshot') return { ...shelf, stem: listed.stem, manifest: listed.manifest }
  throw new HayaiError('CONFLICT', `${listed.name} has no manifest: it is a file like any other, and not Hayai's to change`, {
    hint: 'Use `mv`, `cp` and `rm` on it.',
  })
}

export async function renameSnapshot(context: Context, request: RenameRequest): Promise<RenameAnswer> {
  const found = await findOwn(context, request)
  const stem = stemFrom(request.name, found)
  const before = viewNamed(found)
  const dryRun = request.dryRun === true
  if (dryRun || stem === found.stem) return { snapshot: before, from: found.stem, to: stem, dryRun }
  const purpose = `renaming ${found.stem}`
  const store = context.parts.openFolder(found.folder)
  const renamed = await changingSnapshots(context, purpose, () =>
    alone(context, found.manifest.id, purpose, async () => {
      await clearUp(store)
      const done = await rename(store, await findOwn(context, { reference: before.path, folder: found.folder }), stem)
      await refreshLatest(context, found.folder, [done.manifest.database])
      return done
    }),
  )
  await audit(context, 'snapshot rename', found.manifest.database, { id: found.manifest.id, from: found.stem, to: stem })
  return { snapshot: viewNamed({ ...found, ...renamed }), from: found.stem, to: stem, dryRun }
}

/** Does the work while nobody reads the snapshot; LOCKED, at once, when somebody does. */
export async function alone<T>(context: Context, id: string, purpose: string, work: () => Promise<T>): Promise<T> {
  return withLock(context.paths.snapshotLock(id), { purpose, patience: 0 }, work)
}

export async function annotateSnapshot(context: Context, request: AnnotateRequest): Promise<AnnotateAnswer> {
  const tags = (request.addTags ?? []).map(checkTag)
  const dryRun = request.dryRun === true
  const change = ({ manifest }: Named) => ({
    pinned: request.pinned ?? manifest.pinned,
    tags: [...new Set([...manifest.tags, ...tags])].filter((tag) => request.removeTags?.includes(tag) !== true),
  })
  const found = await findOwn(context, request)
  if (dryRun) {
    const changed = change(found)
    return { snapshot: viewNamed({ ...found, manifest: { ...found.manifest, ...changed } }), changed: differs(found, changed), dryRun }
  }
  const { now, changed } = await changingSnapshots(context, `noting something of ${found.stem}`, async () => {
    const current = await findOwn(context, { reference: viewNamed(found).path, folder: found.folder })
    const wanted = change(current)
    if (!differs(current, wanted)) return { now: current, changed: false }
    return { now: { ...current, manifest: await found.repository.update(current.stem, wanted) }, changed: true }
  })
  if (changed) {
    const { id, database, pinned } = now.manifest
    await audit(context, 'snapshot annotate', database, { id, pinned, tags: now.manifest.tags })
  }
  return { snapshot: viewNamed(now), changed, dryRun }
}

function differs({ manifest }: Named, { pinned, tags }: { readonly pinned: boolean; readonly tags: readonly string[] }): boolean {
  return manifest.pinned !== pinned || manifest.tags.join('\n') !== tags.join('\n')
}

export function checkTag(tag: string): string {
  if (/^[^\s#,\p{C}][^\s,\p{C}]{0,99}$/u.test(tag)) return tag
  throw new HayaiError('USAGE', `${JSON.stringify(tag)} cannot be a tag`, {
    hint: 'A tag is one word, without "," in it or "#" before it.',
  })
}

export function viewNamed({ folder, stem, manifest }: Pick<Shelf, 'folder'> & Named): SnapshotView {
  return viewOf(folder, { kind: 'snapshot', stem, manifest })
}
