// What there is for a database, or can be had: asked before anything is made or touched. An image that is not on this machine is fetched.

import type { ImageRecord } from '../runtimes/runtime.ts'
import type { Database, Declared } from './context.ts'
import type { Watching } from './watching.ts'

/** The exact version that a server of it would be of, now. */
export async function probe(
  { runtime, engine, placement, site }: Database,
  version: string | null | undefined,
  watch?: Watching,
): Promise<{ readonly version: string }> {
  const { image, known } = placement.container
  return runtime.probe(engine, version ?? undefined, { image, known: (await site.image()) ?? known, watch })
}

/** The same declaration, for data that is from that image. */
export function knowing(declared: Declared, known: ImageRecord | undefined): Declared {
  return known === undefined ? declared : { ...declared, container: { ...declared.container, known } }
}
