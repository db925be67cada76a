// What the trials of the embedded runtime stand on: a project's place for one database that is a file (SQLite, if no other is named), and the ways to fill a twin.

import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Secret } from '../../../src/base/secret.ts'
import { once } from '../../../src/base/bytes.ts'
import type { Engine } from '../../../src/engines/engine.ts'
import { sqlite } from '../../../src/engines/sqlite.ts'
import { embeddedRuntime } from '../../../src/runtimes/embedded.ts'
import type { Moment } from '../../../src/runtimes/embedded/home.ts'
import type { Generation, Placement, Site } from '../../../src/runtimes/runtime.ts'
import { inProject } from '../placement.ts'
import { all, format } from '../../engines/sqlite/ground.ts'

export function root(): string {
  return mkdtempSync(join(tmpdir(), 'hayai-embedded-'))
}

export function placement(root: string, file?: string): Placement {
  return {
    id: 'trial',
    name: 'shop',
    version: undefined,
    port: 0,
    file,
    settings: sqlite.settings({}, new Secret('')),
    dataDir: join(root, '.hayai/data/shop'),
    runDir: join(root, '.hayai/run/shop'),
    logFile: join(root, '.hayai/logs/shop.log'),
    ...inProject(root),
  }
}

export function site(root: string, file?: string, at?: (moment: Moment) => void, patience = 5000, engine: Engine = sqlite): Site {
  return embeddedRuntime({ patience, ...(at === undefined ? {} : { at }) }).site(placement(root, file), engine)
}

export async function snapshot(site: Site, engine: Engine = sqlite): Promise<Uint8Array> {
  const target = await site.open()
  try {
    const dump = await engine.dump(target, format('db'), new AbortController().signal)
    try {
      return await all(engine.check(format('db'), dump.bytes))
    } finally {
      await dump.close()
    }
  } finally {
    await target.close()
  }
}

export async function restore(
  site: Site,
  bytes: Uint8Array,
  origin = 'restored from a snapshot',
  engine: Engine = sqlite,
): Promise<Generation> {
  const twin = await site.twin()
  try {
    const target = await twin.target()
    try {
      await engine.load(target, format('db'), once(bytes), new AbortController().signal)
      await engine.inspect(target)
    } finally {
      await target.close()
    }
    return await twin.swap(origin)
  } finally {
    await twin.close()
  }
}

export async function undo(site: Site, step: -1 | 1 = -1): Promise<Generation> {
  const goal = await site.neighbour(step)
  if (goal === undefined) throw new Error('nowhere to go')
  return site.switchTo(goal.name)
}
