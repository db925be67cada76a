// What a live server finds besides its data folder: files that Hayai writes for it, and folders of the project that it writes to.
// Its account may be shut out of the folders above them, so it goes in by descriptors that it is handed (account.ts).

import { chmod, lchown, mkdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { HayaiError, isCode } from '../../base/errors.ts'
import { exists, giveByName, makeFolder, writeDurably } from '../../base/files.ts'
import type { Surroundings } from '../../engines/engine.ts'
import { layOut } from '../secured.ts'
import { markOf, plain, sharesOf, volumesOf, type Volume } from '../volumes.ts'
import type { Account } from './account.ts'
import { called, type Home } from './home.ts'

export interface Around {
  /** To be opened for the server, in this order. */
  readonly doors: readonly string[]
  /** `reached`: what the doors are called for the server. */
  surroundings(reached: readonly string[]): Surroundings
}

/** Makes what the live server needs. */
export async function surround(home: Home, generation: string, account: Account | undefined): Promise<Around> {
  const { placement, recipe } = home
  const copies = await layOut(placement)
  const own = copies === undefined ? [] : [copies.authority, copies.certificate, copies.key]
  if (account !== undefined) for (const file of own) await lchown(file, account.uid, account.gid)
  const texts = await writeTexts(home, copies !== undefined)
  const shares = sharesOf(placement, recipe).map((share) => (share.named ? asFolder(home, share) : share))
  for (const volume of volumesOf(placement)) {
    if (!volume.named && !shares.some(({ target }) => target === plain(volume.target))) await makeFolderFor(home, volume, account, false)
  }
  for (const share of shares) await makeIfPossible(home, share, account)
  const ways = await Promise.all(shares.map(({ source }) => wayTo(source, account)))
  return {
    doors: [...own, ...Object.values(texts), ...ways.flatMap(({ door }) => door ?? [])],
    surroundings(reached) {
      const paths = [...reached]
      const next = (): string => paths.shift() ?? ''
      const certificates = copies === undefined ? undefined : { authority: next(), certificate: next(), key: next() }
      const named = Object.keys(texts).map((name) => [name, next()] as const)
      const opened = ways.map(({ door, rest }, at) => [shares[at]?.target ?? '', door === undefined ? rest : join(next(), rest)] as const)
      return { texts: Object.fromEntries(named), shares: Object.fromEntries(opened), mark: markOf(placement, generation), certificates }
    },
  }
}

async function writeTexts({ placement, recipe }: Home, secured: boolean): Promise<Readonly<Record<string, string>>> {
  const written: Record<string, string> = {}
  const folder = join(placement.runDir, 'texts')
  for (const [name, content] of Object.entries(recipe.texts(placement.settings, secured))) {
    const file = join(folder, name)
    await makeFolder(folder)
    await writeDurably(file, content, 0o644)
    await chmod(file, 0o644) // whatever the person's umask
    written[name] = file
  }
  return written
}

/** A volume of Docker means nothing here: the folder is where it would be if none were named. */
function asFolder(home: Home, { target }: Volume): Volume {
  const shown = `./${basename(target)}/${home.placement.name}`
  return { source: join(home.placement.project.root, shown), named: false, shown, target, mode: undefined }
}

async function makeFolderFor(home: Home, { source, shown }: Volume, account: Account | undefined, writes: boolean): Promise<void> {
  try {
    const made = await mkdir(source, { recursive: true })
    if (made !== undefined) {
      await chmod(source, 0o700)
      await giveByName(made)
    }
    if (account !== undefined && (made !== undefined || writes)) await lchown(source, account.uid, account.gid)
  } catch (cause) {
    throw new HayaiError('CONFIG_INVALID', `the folder ${shown} of ${called(home)} cannot be made`, {
      hint: 'Change `volumes:` in .hayaidb.',
      cause,
    })
  }
}

/** A server must not stay down because the folder that it writes to besides is out of reach: it tells that itself. */
async function makeIfPossible(home: Home, share: Volume, account: Account | undefined): Promise<void> {
  try {
    await makeFolderFor(home, share, account, true)
  } catch (error) {
    if (!isCode(error, 'CONFIG_INVALID')) throw error
  }
}

/**
 * By its parent where the account may pass that: a folder that was taken away and came back is then found again. Else by the folder
 * itself, and one that came back is found by the next start.
 */
async function wayTo(folder: string, account: Account | undefined): Promise<{ readonly door?: string; readonly rest: string }> {
  if (account === undefined || !(await exists(folder))) return { rest: folder }
  const parent = await stat(dirname(folder))
  const passes = (parent.mode & 0o001) !== 0 || (parent.uid === account.uid && (parent.mode & 0o100) !== 0)
  return passes ? { door: dirname(folder), rest: basename(folder) } : { door: folder, rest: '' }
}
