// The journey of the engines that Debian does not have: the set-up fetches their programs where it can, and goes on without.

import { describe, test } from 'vitest'
import { actsOf, containedMysql } from './acts.ts'
import { goTheJourney } from './journey.ts'
import { mysql } from './mariadb.ts'
import { valkey } from './redis.ts'

for (const acts of [actsOf(mysql), actsOf(valkey), containedMysql]) {
  const missing = acts[0]?.missing
  if (missing === undefined) goTheJourney(acts)
  else describe(`${acts[0]?.engine} ${acts[0]?.where}`, () => test.skip(`is tried: ${missing}`, () => {}))
}
