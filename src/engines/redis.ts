// Redis: a server whose data is in memory, and is kept as an RDB file.

import type { Engine } from './engine.ts'
import { engine } from './redis/family.ts'

export const redis: Engine = engine({
  name: 'redis',
  title: 'Redis',
  defaultMajor: '7',
  debian: 'redis-server',
  systems: 'Debian, Ubuntu',
  image: 'redis',
})
