// Which image a database runs from, and which version of the server is in it. An image never changes, though its name may come to mean
// another: the version is asked once for each, and then remembered in this person's cache.

import { mkdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { HayaiError, isCode, systemCode } from '../../base/errors.ts'
import { writeDurably } from '../../base/files.ts'
import { ask } from './docker.ts'
import { have, type Wanting } from './fetch.ts'
import { inspectedImage } from './inspect.ts'
import type { ServerRecipe } from '../../engines/engine.ts'

export interface Image {
  readonly name: string
  /** The server's exact version. */
  readonly version: string
  /** By which its registry knows it, where one does. */
  readonly digest: string | null
}

/** The one that was asked for by name, or the engine's official one of that version. */
export function imageName(recipe: ServerRecipe, version: string | undefined, image: string | undefined): string {
  const { image: official, tag } = recipe.container
  if (image !== undefined) return image
  if (official === '')
    throw new HayaiError('CONFIG_INVALID', '`image:` of an engine that Hayai does not know is not in .hayaidb', { hint: 'Add it there.' })
  const asked = tag !== undefined && version === recipe.majorOf(tag) ? tag : version
  return `${official}:${asked ?? tag ?? recipe.defaultMajor}`
}

/** `latest` where there is none. */
function tagOf(name: string): string {
  const [plain = '', digest] = name.split('@')
  const tag = /:([^/:]+)$/.exec(plain)?.[1]
  return tag ?? (digest === undefined ? 'latest' : digest.replace(/^sha256:/, '').slice(0, 12))
}

const known = new Map<string, string>()

/** Fetches it where it is not on this machine. Throws ENVIRONMENT when it cannot be had, or holds no such server. */
export async function imageOf(recipe: ServerRecipe, title: string, name: string, wanting?: Wanting): Promise<Image> {
  const { id, digest } = await have(name, wanting)
  if (recipe.server === '') return { name, version: tagOf(name), digest }
  return { name, version: await factOf(`${recipe.server} ${id}`, () => versionIn(recipe, title, name, id)), digest }
}

/** What an image runs, and whether a shell can do something before, as root. */
export interface Beginning {
  readonly entrypoint: readonly string[]
  readonly args: readonly string[]
  readonly shell: boolean
}

export async function beginningOf(name: string): Promise<Beginning> {
  const found = await inspectedImage(name)
  if (found === undefined) throw new HayaiError('ENVIRONMENT', `the image ${name} is gone from this machine`, { hint: 'Try again.' })
  const { Id: id, Config: config } = found
  const shell = (await factOf(`root's shell ${id}`, () => rootsShellIn(id))) === 'yes'
  return { entrypoint: config?.Entrypoint ?? [], args: config?.Cmd ?? [], shell }
}

async function rootsShellIn(id: string): Promise<'yes' | 'no'> {
  try {
    await ask(['run', '--rm', '--network', 'none', '--entrypoint', 'sh', id, '-c', '[ "$(id -u)" = 0 ]'])
    return 'yes'
  } catch (error) {
    if (isCode(error, 'TOOL_FAILED') && [1, 126, 127].includes(Number(error.details?.['exit']))) return 'no'
    throw error
  }
}

/** What is always so of an image: in `asked` is its id. */
export async function factOf(asked: string, find: () => Promise<string>): Promise<string> {
  const fact = known.get(asked) ?? (await remembered(asked)) ?? (await find())
  if (known.get(asked) !== fact) await remember(asked, fact)
  return fact
}

function cacheFile(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'hayai', 'images.json')
}

/** `<program> <image's id>` → version, and other facts. What cannot be read is asked again. */
async function remembered(asked: string): Promise<string | undefined> {
  try {
    const content: unknown = JSON.parse(await readFile(cacheFile(), 'utf8'))
    if (typeof content !== 'object' || content === null) return undefined
    for (const [key, fact] of Object.entries(content)) if (typeof fact === 'string') known.set(key, fact)
  } catch {
    return undefined
  }
  return known.get(asked)
}

/** A machine where nothing can be remembered is asked each time. */
async function remember(asked: string, fact: string): Promise<void> {
  known.set(asked, fact)
  try {
    await mkdir(dirname(cacheFile()), { recursive: true, mode: 0o700 })
    await writeDurably(cacheFile(), `${JSON.stringify(Object.fromEntries(known))}\n`)
  } catch (error) {
    if (systemCode(error) === undefined) throw error
  }
}

async function versionIn(recipe: ServerRecipe, title: string, name: string, id: string): Promise<string> {
  let version = ''
  try {
    version = recipe.versionOf(
      await ask([
        'run',
        '--rm',
        '--network',
        'none',
        '--entrypoint',
        recipe.container.server ?? recipe.server,
        id,
        recipe.versionWord ?? '--version',
      ]),
    )
  } catch (error) {
    if (!isCode(error, 'TOOL_FAILED')) throw error
  }
  if (version !== '') return version
  throw new HayaiError('ENVIRONMENT', `the image ${name} does not tell which version of ${title} is in it`, {
    hint: `Its program ${recipe.server} should; try \`docker run --rm --entrypoint ${recipe.server} ${name} --version\`.`,
  })
}
