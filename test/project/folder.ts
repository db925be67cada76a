// What the tests of this room share: a folder of its own for each test, gone afterwards, and matchers that are not `any`.

import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect } from 'vitest'

const made: string[] = []

export async function freshFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'hayai-project-')))
  made.push(folder)
  return folder
}

afterEach(async () => {
  for (const folder of made.splice(0)) await rm(folder, { recursive: true, force: true })
})

export function containing(part: string): unknown {
  return expect.stringContaining(part)
}

export function matching(pattern: RegExp | string): unknown {
  return expect.stringMatching(pattern)
}
