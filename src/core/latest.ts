// `mydb-snapshot-latest.sql`: the newest whole snapshot of a database under a name that is always the same, in a folder, for
// people and their scripts. A name that somebody else gave away is left alone, and that is told.

import type { Alias, Entry } from '../stores/store.ts'
import { isCode, messageOf } from '../base/errors.ts'
import { endingOf, latestStemOf } from '../snapshots/naming.ts'
import { looksSame, type Listed } from '../snapshots/repository.ts'
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
  const entries = [...(await store.list('')), ...(await store.list('.trash/'))]
  return Promise.all(databases.map((database) => refresh(context, folder, database, listed.filter(isSnapshot), entries)))
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
  entries: readonly Entry[],
): Promise<Latest> {
  const aliases = context.parts.openAliases(folder)
  const [newest] = snapshots
    .filter((each) => each.manifest.database === database && isWhole(each))
    .toSorted((a, b) => b.manifest.instant.localeCompare(a.manifest.instant))
  const data = newest?.manifest.files[0]
  const name = newest === undefined || data === undefined ? null : latestStemOf(database) + endingOf(data.name, newest.stem)
  try {
    const present = await aliases.list(`${latestStemOf(database)}.`)
    const ours = present.filter((alias) => isOurs(alias, snapshots, entries))
    for (const alias of ours) if (alias.name !== name) await aliases.delete(alias.name)
    if (newest === undefined || data === undefined || name === null) return { database, name, obstacle: null }
    if (present.some((alias) => alias.name === name) && !ours.some((alias) => alias.name === name)) {
      return {
        database,
        name,
        obstacle: `${name} is not one that Hayai made, and was left as it is; the next snapshot makes it anew once it is gone`,
      }
    }
    const kind = kindFor(context, newest)
    const old = ours.find((alias) => alias.name === name)
    const upToDate = kind === 'link' ? old?.target === data.name : old?.target === undefined && isCopyOf(old, data.name, entries)
    if (!upToDate) await aliases.set(name, data.name, kind)
    return { database, name, obstacle: null }
  } catch (error) {
    return { database, name, obstacle: `${name ?? latestStemOf(database)} could not be brought up to date: ${messageOf(error)}` }
  }
}

/** A tool that is told to write to the name would write through a link, into the snapshot. */
function kindFor(context: Context, { manifest }: Own): 'link' | 'copy' {
  const format = context.parts.engines[manifest.engine]?.formats.find(({ name }) => name === manifest.format)
  return format?.overwritten === true ? 'copy' : 'link'
}

// A link to a snapshot, or to nothing in the same folder; or a copy that is still as one of the snapshots is, or was.
function isOurs(alias: Alias, snapshots: readonly Own[], entries: readonly Entry[]): boolean {
  const isData = (key: string): boolean => snapshots.some(({ manifest }) => manifest.files.some(({ name }) => name === key))
  if (alias.target !== undefined) return !alias.target.includes('/') && (alias.entry === undefined || isData(alias.target))
  const { entry } = alias
  return entry !== undefined && entries.some((each) => (each.key.includes('/') || isData(each.key)) && looksSame(each, entry))
}

function isCopyOf(alias: Alias | undefined, key: string, entries: readonly Entry[]): boolean {
  const [entry, original] = [alias?.entry, entries.find((each) => each.key === key)]
  return entry !== undefined && original !== undefined && looksSame(entry, original)
}
