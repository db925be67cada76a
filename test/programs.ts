// The programs that tests start: pieces of Hayai, and the actors of trials, each in a process of its own. They run from a bundle as
// users have it, which starts three times as fast as the source does; programs-bundle.ts makes it before the tests.

import { realpathSync } from 'node:fs'
import { join } from 'node:path'

/** Beside the folder of the sources, so that all that Hayai looks for from its own place is as far away as from `dist/`. */
export const BUNDLES = join(import.meta.dirname, '..', 'dist-tests')
/** A link to the bundle of the sources as they are. */
export const CURRENT = join(BUNDLES, 'current')

/** Each source, from the top of the checkout. */
export const SOURCES = [
  'src/index.ts',
  'src/base/chained-log.ts',
  'src/engines/duckdb/child.ts',
  'src/engines/sqlite/child.ts',
  'test/cli/hayai.ts',
  'test/cli/interrupted.ts',
  'test/engines/duckdb-program.ts',
  'test/runtimes/compose/command.ts',
  'test/runtimes/embedded/doomed.ts',
  'test/runtimes/native/command.ts',
  'test/snapshots/doomed-keeping.ts',
  'test/snapshots/doomed.ts',
  'test/trials/doomed-at-rest.ts',
  'test/trials/doomed-backup.ts',
  'test/trials/doomed-pieces.ts',
  'test/trials/doomed-plan.ts',
  'test/trials/doomed.ts',
] as const

/** The file to give to Node for a source. */
export function bundled(source: (typeof SOURCES)[number]): string {
  return join(realpathSync(CURRENT), `${nameOf(source)}.js`)
}

/** Its name in the bundle: that by which Hayai finds its children, or the path. */
export function nameOf(source: string): string {
  return source
    .replace(/\.ts$/, '')
    .replace(/^src\/engines\/(\w+)\/child$/, '$1-child')
    .replaceAll('/', '-')
}
