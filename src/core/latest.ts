// `mydb-snapshot-latest.sql`: the newest whole snapshot of a database under a name that is always the same, in a folder, for
// people and their scripts. A name that somebody else gave away is left alone, and that is told.

import type { Alias } from '../stores/store.ts'
import { isCode, messageOf } from '../base/errors.ts'
import { endingOf, latestStemOf } from '../snapshots/naming.ts'
import { isTakenOf, looksLikeCopy, type Listed } from '../snapshots/repository.ts'
import { discards } from '../snapshots/trash.ts'
import type { Context } from './context.ts'
import { changingSnapshots, shelfOf } from './library.ts'

export type Own = Extract<Listed, { readonly kind: 'snapshot' }>

export function isWhole(listed: Listed): listed is Own {
  return listed.kind === 'snapshot' && listed.flaw === undefined && listed.manifest.verification?.ok !== false
}

export interface Latest {
  readonly database: string
  /** The name; null when there is no whole snapshot to stand for. */
  readonly name: string | null
  /** Why the name does not stand for the newest one, if it does not. */
  readonly obstacle: string | null
}

/** Puts the names of these databases right. To be called with the lock on changes of snapshots; it never fails for a name's sake. */
export async function refreshLatest(context: Context, folder: string, databases: readonly string[]): Promise<readonly Latest[]> {
  const store = context.parts.openFolder(folder)
  const listed = await shelfOf(context, folder).repository.list()
  const gone = (await discards(store)).flatMap(({ snapshots }) => snapshots.map(({ instant }) => Date.parse(instant)))
  return Promise.all(databases.map((database) => refresh(context, folder, database, listed.filter(isSnapshot), gone)))
}

/** The same for one database, when nothing else is changed. Whatever else is at work there, the snapshot is made and whole. */
export async function renewLatest(context: Context, folder: string, database: string): Promise<Latest> {
  try {
    const [latest] = await changingSnapshots(context, 'naming the newest', () => refreshLatest(context, folder, [database]))
    return latest ?? { database, name: null, obstacle: null }
  } catch (error) {
    if (!isCode(error, 'LOCKED')) throw error
    return { database, name: null, obstacle: `the name of the newest was not brought up to date: ${error.message}` }
  }
}

function isSnapshot(listed: Listed): listed is Own {
  return listed.kind === 'snapshot'
}

async function refresh(
  context: Context,
  folder: string,
  database: string,
  snapshots: readonly Own[],
  gone: readonly number[],
): Promise<Latest> {
  const aliases = context.parts.openAliases(folder)
  const [newest] = snapshots
    .filter((each) => isTakenOf(each, database) && isWhole(each))
    .toSorted((a, b) => b.manifest.instant.localeCompare(a.manifest.instant))
  const data = newest?.manifest.files[0]
  const name = newest === undefined || data === undefined ? null : latestStemOf(database) + endingOf(data.name, newest.stem)
  try {
    const present = await aliases.list(`${latestStemOf(database)}.`)
    const ours = present.filter((alias) => isOurs(alias, snapshots, gone))
    for (const alias of ours) if (alias.name !== name) await aliases.delete(alias.name)
    if (newest === undefined || data === undefined || name === null) return { database, name, obstacle: null }
    if (present.some((alias) => alias.name === name) && !ours.some((alias) => alias.name === name)) {
      return {
        database,
        name,
        obstacle: `${name} is not one that Hayai made, and was left as it is; the next snapshot makes it anew once it is gone`,
      }
    }
    const old = ours.find((alias) => alias.name === name)
    if (isWrittenTo(context, newest)) {
      const there = old?.entry !== undefined && old.target === undefined && looksLikeCopy(old.entry, newest.manifest)
      if (!there) await aliases.set(name, data.name, new Date(newest.manifest.instant))
    } else if (old?.target !== data.name) await aliases.set(name, data.name)
    return { database, name, obstacle: null }
  } catch (error) {
    return { database, name, obstacle: `${name ?? latestStemOf(database)} could not be brought up to date: ${messageOf(error)}` }
  }
}

/** A tool that is told to write to the name would write through a link, into the snapshot. */
function isWrittenTo(context: Context, { manifest }: Own): boolean {
  const format = context.parts.engines[manifest.engine]?.formats.find(({ name }) => name === manifest.format)
  return format?.overwritten === true
}

// A link to a snapshot, or to nothing in the same folder; or a copy that nobody has written to since it was made of a snapshot,
// which may be in the trash by now.
function isOurs({ target, entry }: Alias, snapshots: readonly Own[], gone: readonly number[]): boolean {
  if (target !== undefined) {
    const isData = snapshots.some(({ manifest }) => manifest.files.some(({ name }) => name === target))
    return !target.includes('/') && (entry === undefined || isData)
  }
  if (entry === undefined) return false
  return snapshots.some(({ manifest }) => looksLikeCopy(entry, manifest)) || gone.includes(entry.modified.getTime())
}
