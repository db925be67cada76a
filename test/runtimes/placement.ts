// What a placement says of its project and of containers, for runtimes that have no use for it.

import { join } from 'node:path'
import type { Placement } from '../../src/runtimes/runtime.ts'

export function inProject(root: string): Pick<Placement, 'project' | 'container'> {
  return {
    project: { root, name: undefined, folder: join(root, '.hayai', 'compose') },
    container: { image: undefined, volumes: [], memory: undefined, restart: undefined, healthcheck: undefined, environment: {} },
  }
}
