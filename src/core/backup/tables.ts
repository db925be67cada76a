// `<table>_data.sql`: the rows alone of tables that `.hayaidb` names (`backup.tables`), read out of the snapshot that is in the backup
// already: so they are of its very moment.

import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryName } from '../../base/files.ts'
import type { Config } from '../../project/config.ts'
import type { Paper } from '../../snapshots/backup-manifest.ts'
import type { Manifest } from '../../snapshots/manifest.ts'
import type { Store } from '../../stores/store.ts'
import { configOf, engineOf, formatOf, type Context } from '../context.ts'
import { putPaper } from './papers.ts'

interface Tables {
  readonly papers: readonly Paper[]
  /** Each a whole sentence. */
  readonly notes: readonly string[]
}

/** `folder` is where the store lies. */
export async function putTables(
  context: Context,
  store: Store,
  folder: string,
  snapshots: readonly Manifest[],
  signal: AbortSignal,
): Promise<Tables> {
  const config = await configOf(context)
  const wanted = config === undefined ? [] : snapshots.flatMap((snapshot) => wantedOf(config, snapshot))
  const papers: Paper[] = []
  const notes = config === undefined ? [] : [...absent(config, wanted)]
  for (const each of wanted) {
    const { snapshot, table } = each
    if (snapshot.recipients.length > 0) {
      notes.push(`"${table}" of "${snapshot.database}" was not exported by itself: the backup is encrypted.`)
      continue
    }
    const engine = engineOf(context, snapshot.engine)
    const scratch = join(context.paths.own, temporaryName('rows'))
    await mkdir(scratch, { mode: 0o700 })
    try {
      const file = join(folder, snapshot.files[0]?.name ?? '')
      const rows = engine.tableRows(formatOf(engine, snapshot.format), file, table, scratch, signal)
      if (rows === null)
        notes.push(`"${table}" of "${snapshot.database}" was not exported by itself: ${engine.title} has no rows of tables.`)
      else papers.push(await putPaper(store, nameFor(each, wanted), rows))
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
  }
  return { papers, notes }
}

interface Wanted {
  readonly snapshot: Manifest
  /** As `.hayaidb` writes it. */
  readonly asked: string
  /** As the census has it. */
  readonly table: string
}

function wantedOf(config: Config, snapshot: Manifest): readonly Wanted[] {
  const own = config.databases[snapshot.database]?.backup?.tables ?? []
  return [...new Set([...config.tables, ...own])].flatMap((asked) =>
    Object.keys(snapshot.census.tables)
      .filter((table) => table === asked || table.endsWith(`.${asked}`) || table.endsWith(`/${asked}`))
      .map((table) => ({ snapshot, asked, table })),
  )
}

function absent(config: Config, wanted: readonly Wanted[]): readonly string[] {
  const own = Object.entries(config.databases).flatMap(([name, { backup }]) => (backup?.tables ?? []).map((asked) => ({ name, asked })))
  return [
    ...config.tables
      .filter((asked) => !wanted.some((each) => each.asked === asked))
      .map((asked) => `The table "${asked}" of \`backup.tables\` is in none of these databases.`),
    ...own
      .filter(({ name, asked }) => !wanted.some((each) => each.asked === asked && each.snapshot.database === name))
      .map(({ name, asked }) => `The table "${asked}" of \`backup.tables\` is not in "${name}".`),
  ]
}

/** `users_data.sql`; with the database before it where several have such a table, and with all of its name where one has several. */
function nameFor(each: Wanted, all: readonly Wanted[]): string {
  const candidates: readonly ((one: Wanted) => string)[] = [
    ({ asked }) => asked,
    ({ snapshot, asked }) => `${snapshot.database}_${asked}`,
    ({ snapshot, table }) => `${snapshot.database}_${table}`,
  ]
  const unique = candidates.find((name) => all.filter((other) => plain(name(other)) === plain(name(each))).length === 1)
  const number = unique === undefined ? `_${all.indexOf(each) + 1}` : ''
  return `${plain((unique ?? candidates[2] ?? (() => ''))(each))}${number}_data.sql`
}

/** What no file system and no shell stumbles over. */
function plain(name: string): string {
  return name.replaceAll(/[^\p{L}\p{N}_.-]+/gu, '_').replace(/^\.+/, '_')
}
