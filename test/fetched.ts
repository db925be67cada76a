// Where scripts/fetch-servers.sh puts the programs that it fetches.

import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

export const FETCHED = process.getuid?.() === 0 ? '/var/cache/hayai-tests' : join(import.meta.dirname, '../node_modules/.cache')

/** Releases that Debian 12 does not have. */
export const NEWER = {
  postgresql: { version: '18', folder: join(FETCHED, 'postgresql-18/usr/lib/postgresql/18/bin'), server: 'postgres' },
  mariadb: { version: '11.8', folder: join(FETCHED, 'mariadb-11.8/usr/sbin'), server: 'mariadbd' },
  redis: { version: '8', folder: join(FETCHED, 'redis-8/usr/bin'), server: 'redis-server' },
} as const

/** From now on, programs of these releases are found before those of the system. */
export function findNewerFirst(): void {
  process.env['PATH'] = [...Object.values(NEWER).map(({ folder }) => folder), process.env['PATH']].join(delimiter)
}

/** Folders in which a server may be, those on PATH first, but for those of a trial's own, in which a program may be anything. */
export function foldersWith(server: string, known: readonly string[]): readonly string[] {
  const [path, own] = [(process.env['PATH'] ?? '').split(delimiter), join(tmpdir(), 'hayai-trial-')]
  return [...path, ...known].filter((folder) => !folder.startsWith(own) && existsSync(join(folder, server)))
}
