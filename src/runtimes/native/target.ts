// An engine's hands on a database of this machine: tools of the server's own installation, and a folder to work in.

import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bytes } from '../../base/bytes.ts'
import { run } from '../../base/exec.ts'
import { makeFolder, temporaryName } from '../../base/files.ts'
import type { Endpoint, Invocation, Target } from '../../engines/engine.ts'
import { ownerOf, reach } from './account.ts'
import { serverFolder, type Home } from './home.ts'
import { programIn, type Installation } from './installation.ts'

export async function targetOf(
  home: Home,
  generation: string,
  endpoint: Endpoint | undefined,
  installation: () => Promise<Installation>,
): Promise<Target> {
  const { dataDir } = home.placement
  const scratch = join(dataDir, temporaryName('scratch')) // its name tells its owner: a killed command's is swept
  await makeFolder(dataDir)
  await mkdir(scratch, { mode: 0o700 })
  let found: Promise<Installation> | undefined
  return {
    endpoint,
    inner: endpoint,
    path: serverFolder(home, generation),
    scratch,
    async *run({ program, whereServerSays, ...invocation }: Invocation, input?: Bytes) {
      const programs = await (found ??= installation())
      const folder = serverFolder(home, generation)
      await using reached = await reach([folder], whereServerSays === true ? await ownerOf(folder) : undefined)
      yield* run({ file: programIn(programs, program), descriptors: reached.descriptors, ...invocation }, input)
    },
    async close() {
      await rm(scratch, { recursive: true, force: true })
    },
  }
}
