// Whom a server runs as, and how it reaches its folder. A server that refuses to run as root gets an unprivileged account
// when Hayai is root; the folders *above* its data may be closed to that account (a project under /root), so it is handed
// open descriptors and told to look at /proc/self/fd/<n>, which asks for no permission on the way.

import { chmod, lchown, open, readdir, readFile, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { HayaiError, isCode } from '../../base/errors.ts'
import { findOnPath, output, type Command } from '../../base/exec.ts'
import type { ServerRecipe } from '../../engines/engine.ts'

export interface Account {
  readonly uid: number
  readonly gid: number
}

/**
 * For data that is to be made, in this folder. Undefined when Hayai is not root: then the server runs as whoever runs Hayai. In the
 * project of somebody else it is theirs, who could not start it otherwise.
 */
export async function accountFor(recipe: ServerRecipe, dataDir?: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const asked = process.env['HAYAI_SERVER_USER']
  const owner = dataDir === undefined || asked ? undefined : await stat(dataDir)
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  const names = asked === undefined || asked === '' ? [recipe.account, 'nobody'] : [asked]
  for (const name of names) {
    const account = await lookUp(name)
    if (account !== undefined && account.uid !== 0) return account
  }
  throw new HayaiError('ENVIRONMENT', `no unprivileged account to run ${recipe.server} as: tried ${names.join(', ')}`, {
    hint: 'Name an account that is not root in HAYAI_SERVER_USER.',
  })
}

/** For data that is there: whoever owns it, so that an account that came or went later changes nothing. */
export async function ownerOf(folder: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const { uid, gid } = await stat(folder)
  return { uid, gid }
}

/**
 * How a program is started as that account. A server that looks up the real path of its folder must walk there, past folders
 * that are closed to it, `.hayai` to begin with: it gets the one right of root to look into any folder, and no other.
 */
export async function startedAs(account: Account | undefined, recipe: ServerRecipe): Promise<Pick<Command, 'account' | 'through'>> {
  if (account === undefined) return {}
  if (recipe.walks !== true || process.platform !== 'linux') return { account }
  const setpriv = await findOnPath('setpriv')
  if (setpriv === undefined || !(await mayGiveTheWay())) {
    throw new HayaiError('ENVIRONMENT', `root cannot show ${recipe.server} the way to its data here`, {
      hint: 'Run Hayai as a user that is not root; or install util-linux and, in a container, add the capability DAC_READ_SEARCH.',
    })
  }
  const only = '-all,+dac_read_search'
  const who = [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups', `--inh-caps=${only}`, `--ambient-caps=${only}`]
  return { through: [setpriv, ...who, `--bounding-set=${only}`, '--'] }
}

const DAC_READ_SEARCH = 1n << 2n

async function mayGiveTheWay(): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'utf8')
  return ['CapPrm', 'CapBnd'].every((set) => {
    const mask = new RegExp(`^${set}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1]
    return mask !== undefined && (BigInt(`0x${mask}`) & DAC_READ_SEARCH) !== 0n
  })
}

/** Gives a folder and all that is in it to an account; links are given, not followed. */
export async function giveTo(folder: string, account: Account | undefined): Promise<void> {
  await chmod(folder, 0o700)
  if (account === undefined) return
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    await lchown(join(entry.parentPath, entry.name), account.uid, account.gid)
  }
  await lchown(folder, account.uid, account.gid)
}

/** Paths as a program of that account can open them, and what it must be started with. To be closed once it runs. */
export interface Reach extends AsyncDisposable {
  readonly paths: readonly string[]
  /** To be handed on as 3, 4, ... */
  readonly descriptors: readonly number[]
}

export async function reach(paths: readonly string[], account: Account | undefined): Promise<Reach> {
  const handles: FileHandle[] = []
  const closeAll = async (): Promise<void> => {
    for (const handle of handles.splice(0)) await handle.close()
  }
  if (account === undefined || process.platform !== 'linux') return { paths, descriptors: [], [Symbol.asyncDispose]: closeAll }
  try {
    for (const path of paths) handles.push(await open(path, 'r'))
  } catch (error) {
    await closeAll()
    throw error
  }
  return {
    paths: handles.map((_, index) => `/proc/self/fd/${index + 3}`),
    descriptors: handles.map((handle) => handle.fd),
    [Symbol.asyncDispose]: closeAll,
  }
}

async function lookUp(name: string): Promise<Account | undefined> {
  for (const line of (await readFile('/etc/passwd', 'utf8')).split('\n')) {
    const [account, , uid, gid] = line.split(':')
    if (account === name) return { uid: Number(uid), gid: Number(gid) }
  }
  try {
    // Accounts that are kept elsewhere: a directory server, macOS.
    const [uid, gid] = await Promise.all(['-u', '-g'].map((what) => output({ file: 'id', args: [what, '--', name] })))
    return { uid: Number(uid), gid: Number(gid) }
  } catch (error) {
    if (isCode(error, 'TOOL_FAILED')) return undefined // no such account
    throw error
  }
}
