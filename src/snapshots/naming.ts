// How the files of a snapshot are called, for people. What a snapshot *is* stands in its manifest; of a file that has none,
// the name gives at most a guess to show.

import { AGE_EXTENSION } from './age.ts'
import { CODEC_EXTENSIONS, type Codec } from './codecs.ts'

/** `mydb-snapshot-2026-01-08T10-30-45Z`; the second one of the same second ends with `-2`, and so on. */
export function stemOf(database: string, at: Date, attempt = 1): string {
  const time = at
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(':', '-')
  return `${database}-snapshot-${time}${attempt === 1 ? '' : `-${attempt}`}`
}

export function fileNameOf(stem: string, extension: string, codec: Codec, encrypted = false): string {
  return `${stem}${extension}${CODEC_EXTENSIONS[codec]}${encrypted ? AGE_EXTENSION : ''}`
}

export function manifestNameOf(stem: string): string {
  return `${stem}.json`
}

/** What stands before the ending in the name under which a database's newest snapshot can be had. */
export function latestStemOf(database: string): string {
  return `${database}-snapshot-latest`
}

export function isLatestName(name: string): boolean {
  return /^[^.].*-snapshot-latest\./s.test(name)
}

/** What is behind the stem in a data file's name: `.sql.gz`. Of a name that was not made from the stem, all from its first dot. */
export function endingOf(name: string, stem: string): string {
  if (name.startsWith(`${stem}.`)) return name.slice(stem.length)
  const dot = name.indexOf('.', 1)
  return dot === -1 ? '' : name.slice(dot)
}

/** The stem of a manifest's name; undefined for the name of anything else. */
export function stemIn(name: string): string | undefined {
  return /^([^.].*)\.json$/s.exec(name)?.[1]
}

const FOREIGN = /^(?<stem>.+?)(?<extension>\.(?:sql|db|rdb|tar|sqlite|sqlite3|dump))(?:\.(?:gz|zst|tgz))?(?:\.age)?$/

/** What the name of a file without a manifest suggests; undefined when it does not look like a copy of a database at all. */
export function guess(name: string): { readonly database: string; readonly extension: string } | undefined {
  const groups = FOREIGN.exec(name)?.groups
  if (groups?.['stem'] === undefined || groups['extension'] === undefined || name.startsWith('.')) return undefined
  return { database: /^(.+?)-snapshot-/.exec(groups['stem'])?.[1] ?? '', extension: groups['extension'] }
}
