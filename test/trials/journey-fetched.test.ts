// The journey of the engines that Debian does not have: the set-up fetches their programs where it can, and goes on without.

import { describe, test } from 'vitest'
import { actsOf } from './acts.ts'
import { goTheJourney } from './journey.ts'
import { mysql } from './mariadb.ts'
import { valkey } from './redis.ts'

for (const actor of [mysql, valkey]) {
  if (actor.missing === undefined) goTheJourney(actsOf(actor))
  else describe(actor.engine, () => test.skip(`is tried: ${actor.missing}`, () => {}))
}
