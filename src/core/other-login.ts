// A database whose users and passwords are among its data, and whose live data came from another one, is entered as that one is.

import type { Engine } from '../engines/engine.ts'
import { readSecret } from '../project/secrets.ts'
import type { Placement, Site } from '../runtimes/runtime.ts'

export function hasItsLogin({ recipe }: Engine): boolean {
  return recipe.shape === 'server' && recipe.container.loginInData === true
}

/** The same place, but where the live generation wants another login than the database was made with. */
export async function withLiveLogin(root: string, placement: Placement, engine: Engine, site: Site): Promise<Placement> {
  if (!hasItsLogin(engine)) return placement
  const logins = (await readSecret(root, placement.name))?.generations
  if (logins === undefined) return placement
  const live = (await site.generations()).find((generation) => generation.live)
  const login = live === undefined ? undefined : logins[live.name]
  return login === undefined ? placement : { ...placement, settings: { ...placement.settings, ...login } }
}
