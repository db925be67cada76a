// Valkey: the same protocol and files as Redis, by other programs.

import type { Engine } from './engine.ts'
import { engine } from './redis/family.ts'

export const valkey: Engine = engine({
  name: 'valkey',
  title: 'Valkey',
  defaultMajor: '8',
  debian: 'valkey-server',
  systems: 'Debian 13, Ubuntu; Debian 12 in its backports',
  image: 'valkey/valkey',
})
