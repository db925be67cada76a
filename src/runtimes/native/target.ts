// An engine's hands on a database of this machine: tools of the server's own installation, and a folder to work in.

import { constants, copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bytes } from '../../base/bytes.ts'
import { HayaiError, systemCode } from '../../base/errors.ts'
import { run } from '../../base/exec.ts'
import { freeBytes, makeFolder, temporaryName } from '../../base/files.ts'
import { copyTree, treeRoom } from '../../base/tree.ts'
import { packTree, unpackTree } from '../../base/tree-tar.ts'
import type { Endpoint, Invocation, Target } from '../../engines/engine.ts'
import type { Ledger } from '../generations.ts'
import { atRest } from '../rest.ts'
import { workshopIn } from '../workshop.ts'
import { ownerOf, reach } from './account.ts'
import { called, serverFolder, type Home } from './home.ts'
import { liveOf } from './live.ts'
import { programIn, type Installation } from './installation.ts'

export async function targetOf(
  home: Home,
  generation: string,
  endpoint: Endpoint | undefined,
  { installation, ledger }: { readonly installation: () => Promise<Installation>; readonly ledger?: Ledger },
): Promise<Target> {
  const { dataDir } = home.placement
  const scratch = join(dataDir, temporaryName('scratch')) // its name tells its owner: a killed command's is swept
  await makeFolder(dataDir)
  await mkdir(scratch, { mode: 0o700 })
  let found: Promise<Installation> | undefined

  async function* runs({ program, ...invocation }: Invocation, input: Bytes | undefined, whereServerSays: boolean): Bytes {
    const programs = await (found ??= installation())
    const folder = serverFolder(home, generation)
    await using reached = await reach([folder], whereServerSays ? await ownerOf(folder) : undefined)
    yield* run({ file: programIn(programs, program), descriptors: reached.descriptors, ...invocation }, input)
  }

  return {
    endpoint,
    inner: endpoint,
    version: null,
    path: serverFolder(home, generation),
    scratch,
    run: (invocation, input) => runs(invocation, input, false),
    workshop: () => workshopIn(scratch, (invocation, input) => runs(invocation, input, true)),
    async copyAtRest(signal, onFile) {
      if (ledger === undefined) throw new Error('a twin is nobody to copy from')
      const copy = join(scratch, 'at-rest')
      await refuseWithoutRoom(home, generation, scratch)
      const began = Date.now()
      const { value, instant } = await atRest(liveOf(home), ledger, async () => {
        try {
          return await copyTree(serverFolder(home, generation), copy, { signal, onFile })
        } catch (error) {
          await rm(copy, { recursive: true, force: true }) // before the server starts, which needs some room itself
          throw isFull(error) ? full(home, error) : error
        }
      })
      return { ...value, instant, blocked: Date.now() - began, archive: packTree(copy, signal) }
    },
    layDown: (bytes, signal) => unpackTree(bytes, serverFolder(home, generation), signal),
    freeBytes: () => freeBytes(serverFolder(home, generation)),
    async close() {
      await rm(scratch, { recursive: true, force: true })
    },
  }
}

/** Where copies share no blocks with their originals, the whole folder must fit beside itself; told before the server is stopped. */
async function refuseWithoutRoom(home: Home, generation: string, scratch: string): Promise<void> {
  const needed = await treeRoom(serverFolder(home, generation))
  if ((await freeBytes(scratch)) > needed || (await sharesBlocks(scratch))) return
  throw full(home, undefined)
}

async function sharesBlocks(folder: string): Promise<boolean> {
  const [one, other] = [join(folder, 'one'), join(folder, 'other')]
  try {
    await writeFile(one, 'x')
    await copyFile(one, other, constants.COPYFILE_FICLONE_FORCE)
    return true
  } catch {
    return false // whatever the reason, nothing may be relied on
  } finally {
    for (const path of [one, other]) await rm(path, { force: true })
  }
}

function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '')
}

function full(home: Home, cause: unknown): HayaiError {
  return new HayaiError('STORE_FAILED', `the disk has no room for a copy of the data folder of ${called(home)} beside it`, {
    hint: 'Make room on that disk, and try again. Nothing was changed.',
    cause,
  })
}
