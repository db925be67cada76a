// The folders of generations, and those that are not generations: `unfinished.json` in a folder says that it is being made,
// or deleted, and by which process. A folder is deleted by Hayai only where that file is in it and the ledger does not name
// it: data that nobody knows the story of is left alone.

import { chmod, lchown, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { drain, once } from '../../base/bytes.ts'
import { HayaiError } from '../../base/errors.ts'
import { run } from '../../base/exec.ts'
import { makeFolder, newFolder } from '../../base/files.ts'
import { nextName, type Ledger } from '../generations.ts'
import { generationFolders, isUnfinished, MARK, markFinished, markUnfinished, namesIn, ownerOfMark, removeIfEmpty } from '../marks.ts'
import { NOTHING_AROUND, type ServerRecipe } from '../../engines/engine.ts'
import { accountFor, ownerOf, reach, startedAs } from './account.ts'
import { called, generationFolder, serverFolder, type Home } from './home.ts'
import { programIn, type Installation } from './installation.ts'
import { endServer } from './server.ts'

/** A new, unfinished generation: its name. The server's folder in it is empty and belongs to the server's account. */
export async function makeUnfinished(home: Home, ledger: Ledger | undefined): Promise<string> {
  await makeFolder(home.placement.dataDir)
  const account = await accountFor(home.recipe, home.placement.dataDir)
  const name = nextName(ledger, await readdir(home.placement.dataDir))
  await newFolder(generationFolder(home, name))
  try {
    await markUnfinished(home.placement.dataDir, name)
    home.at('folder made')
    const folder = serverFolder(home, name)
    await mkdir(folder, { mode: 0o700 })
    if (account !== undefined) await lchown(folder, account.uid, account.gid)
  } catch (error) {
    await rm(generationFolder(home, name), { recursive: true, force: true })
    throw error
  }
  return name
}

interface Making {
  /** Of the recipe: for an empty folder, or for one with the files of a physical snapshot. */
  readonly by: ServerRecipe['create']
  readonly installation: Installation
  readonly port: number
}

/** Runs the recipe's programs that turn the folder into a database at rest, with the login of this place. */
export async function makeReady(home: Home, name: string, { by, installation, port }: Making, signal?: AbortSignal): Promise<void> {
  const { recipe, placement } = home
  const folder = serverFolder(home, name)
  const account = await ownerOf(folder)
  const passwordFile = join(generationFolder(home, name), 'password')
  try {
    const secret = recipe.secretFile?.(placement.settings) ?? `${placement.settings.password.reveal()}\n`
    await writeFile(passwordFile, secret, { mode: 0o600, flag: 'wx' })
    await chmod(passwordFile, 0o600)
    if (account !== undefined) await lchown(passwordFile, account.uid, account.gid)
    await using reached = await reach([folder, passwordFile], account)
    const [dataDir = folder, password = passwordFile] = reached.paths
    const place = {
      dataDir,
      port,
      settings: placement.settings,
      passwordFile: password,
      found: [],
      around: NOTHING_AROUND,
      base: installation.base,
    }
    for (const { program, args, env, input } of by(place)) {
      const command = {
        file: programIn(installation, program),
        args,
        cwd: '/',
        descriptors: reached.descriptors,
        ...(await startedAs(account, recipe)),
        ...(env === undefined ? {} : { env }),
        ...(signal === undefined ? {} : { signal }),
      }
      await drain(run(command, input === undefined ? undefined : once(input)))
    }
  } finally {
    await rm(passwordFile, { force: true })
  }
  home.at('data made')
}

/** Ends the server in an unfinished folder, if one runs there, and deletes the folder; its mark goes last. */
export async function deleteUnfinished(home: Home, name: string): Promise<void> {
  const folder = generationFolder(home, name)
  await endServer(home, folder, 'SIGQUIT', home.patience.insist) // what it has not written yet need not be written
  // Programs that a killed command had started may still be writing here, for a moment.
  const patiently = { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }
  for (const entry of await namesIn(folder)) if (entry !== MARK) await rm(join(folder, entry), patiently)
  await rm(folder, patiently)
}

/** Throws CONFLICT when there are data folders that no ledger tells of: a first generation beside them would hide them. */
export async function refuseUnknownData(home: Home): Promise<void> {
  for (const name of await generationFolders(home.placement.dataDir)) {
    if (await isUnfinished(home.placement.dataDir, name)) continue
    throw new HayaiError('CONFLICT', `${generationFolder(home, name)} is there, but nothing tells whose it is`, {
      hint: `Put back generations.json, or move the folder away to begin ${called(home)} anew.`,
    })
  }
}

/** Deletes what killed commands were making or deleting. What a live process works on stays, and so does what has no mark. */
export async function sweepFolders(home: Home, ledger: Ledger | undefined): Promise<void> {
  for (const name of await generationFolders(home.placement.dataDir)) {
    const owner = await ownerOfMark(home.placement.dataDir, name)
    if (ledger?.entries[name] !== undefined) {
      if (owner === 'gone') await markFinished(home.placement.dataDir, name) // killed right after the ledger was written, or right before
    } else if (owner === 'gone') {
      await deleteUnfinished(home, name)
    } else if (owner === undefined) {
      await removeIfEmpty(generationFolder(home, name)) // killed before its mark was written
    }
  }
}
