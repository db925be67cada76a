// Finds a server's programs on this machine: a folder in which the server *and* every tool are, so that a dump is never made by the
// program of an older version. Where only clients are missing, a newer installation lends them: newer clients know older servers.
// Asked of the machine each time; nothing is remembered.

import { access, constants, readdir, realpath } from 'node:fs/promises'
import { delimiter, dirname, isAbsolute, join } from 'node:path'
import { HayaiError, messageOf, systemCode } from '../../base/errors.ts'
import { output } from '../../base/exec.ts'
import { exists } from '../../base/files.ts'
import { compareVersions } from '../../base/versions.ts'
import type { ServerRecipe } from '../../engines/engine.ts'

export interface Installation {
  readonly folder: string
  readonly version: string
  /** Tools that are not in that folder, by name. */
  readonly elsewhere: Readonly<Record<string, string>>
  /** Of a server that has to be told where its own files are: the folder above them. */
  readonly base: string | undefined
}

export function programIn({ folder, elsewhere }: Installation, program: string): string {
  return elsewhere[program] ?? join(folder, program)
}

/** The newest one that fits `version` (`15`, `15.18`), or the newest of all. Throws ENVIRONMENT, with what to install. */
export async function findInstallation(recipe: ServerRecipe, title: string, version: string | undefined): Promise<Installation> {
  const major = version === undefined ? undefined : recipe.majorOf(version)
  const examined = await examineAll(recipe, major)
  const able = examined.filter(({ problem }) => problem === undefined)
  const seen: string[] = []
  for (const each of able.toSorted((a, b) => compareVersions(b.version, a.version) || a.lacks.length - b.lacks.length)) {
    const fitting = version === undefined || fits(each.version, version)
    const lent = fitting ? await borrow(recipe, each) : {}
    if (fitting && lent !== undefined) return { ...each, elsewhere: { ...each.elsewhere, ...lent } }
    seen.push(`${each.version} in ${each.folder}${each.lacks.length === 0 ? '' : `, without ${each.lacks.join(', ')}`}`)
  }
  for (const { problem } of examined) if (problem !== undefined) seen.push(problem)
  const wanted = version === undefined ? title : `${title} ${version}`
  throw new HayaiError('ENVIRONMENT', `${wanted} is not on this machine${seen.length === 0 ? '' : ` (found: ${seen.join('; ')})`}`, {
    hint: recipe.install(major),
    details: { wanted: version ?? null, found: seen },
  })
}

/** The clients that an installation lacks, from the whole one that is nearest to it and not older; undefined when there is none. */
async function borrow(recipe: ServerRecipe, { version, lacks }: Examined): Promise<Readonly<Record<string, string>> | undefined> {
  if (lacks.length === 0) return {}
  const lenders = (await examineAll(recipe, undefined))
    .filter((each) => each.problem === undefined && each.lacks.length === 0)
    .filter((each) => compareVersions(recipe.majorOf(each.version), recipe.majorOf(version)) >= 0)
  const [nearest] = lenders.toSorted((a, b) => compareVersions(a.version, b.version))
  return nearest === undefined ? undefined : Object.fromEntries(lacks.map((tool) => [tool, programIn(nearest, tool)]))
}

interface Examined extends Installation {
  /** Clients that it has not got itself. */
  readonly lacks: readonly string[]
  /** Why it is no use. */
  readonly problem: string | undefined
}

async function examineAll(recipe: ServerRecipe, major: string | undefined): Promise<readonly Examined[]> {
  return Promise.all((await candidates(recipe, major)).map((folder) => examine(recipe, folder)))
}

async function examine(recipe: ServerRecipe, folder: string): Promise<Examined> {
  const { missing, elsewhere } = await look(recipe, folder)
  const found = { folder, version: '', elsewhere, lacks: missing, base: await baseOf(recipe, folder) }
  const own = missing.filter((tool) => recipe.clients?.includes(tool) !== true)
  if (own.length > 0) return { ...found, problem: `${folder} has ${recipe.server} but not ${missing.join(', ')}` }
  try {
    const version = recipe.versionOf(await output({ file: join(folder, recipe.server), args: [recipe.versionWord ?? '--version'] }))
    return { ...found, version, problem: undefined }
  } catch (error) {
    return { ...found, problem: `${join(folder, recipe.server)} does not tell its version: ${messageOf(error)}` }
  }
}

/** None below /usr, where packages are made for: what they were built with holds there. */
export async function baseOf({ ownFiles = [], server }: ServerRecipe, folder: string): Promise<string | undefined> {
  if (ownFiles.length === 0) return undefined
  const base = dirname(dirname(await realpath(join(folder, server))))
  if (base === '/usr') return undefined
  for (const each of ownFiles) if (await exists(join(base, each))) return base
  return undefined // a script that calls the server knows for itself
}

/** Folders that hold the server's program, those on PATH first; each once, by its real path. */
async function candidates(recipe: ServerRecipe, major: string | undefined): Promise<readonly string[]> {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => isAbsolute(folder))
  const known = await Promise.all(recipe.folders.map((pattern) => expand(pattern, major)))
  const found = new Map<string, string>()
  for (const folder of [...onPath, ...known.flat()]) {
    const program = join(folder, recipe.server)
    if (!(await isProgram(program))) continue
    // A link on PATH to the server alone is common; its tools are where it leads to.
    const real = await realpath(program)
    if (found.get(real) === undefined) found.set(real, (await look(recipe, folder)).missing.length === 0 ? folder : dirname(real))
  }
  return [...found.values()]
}

async function look(
  recipe: ServerRecipe,
  folder: string,
): Promise<{ readonly missing: readonly string[]; readonly elsewhere: Record<string, string> }> {
  const missing: string[] = []
  const elsewhere: Record<string, string> = {}
  for (const tool of [...recipe.tools, ...(recipe.extras ?? [])]) {
    if (await isProgram(join(folder, tool))) continue
    const place = await firstProgram((recipe.beside ?? []).map((other) => join(folder, other, tool)))
    if (place !== undefined) elsewhere[tool] = place
    else if (recipe.tools.includes(tool)) missing.push(tool)
  }
  return { missing, elsewhere }
}

async function firstProgram(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (await isProgram(path)) return path
  return undefined
}

/** `/usr/lib/postgresql/{major}/bin` → the folder of that major, or those of every major that is there. */
async function expand(pattern: string, major: string | undefined): Promise<readonly string[]> {
  if (!pattern.includes('{major}')) return [pattern]
  if (major !== undefined) return [pattern.replaceAll('{major}', major)]
  const [before = '', after = ''] = pattern.split('{major}')
  const parent = before.slice(0, before.lastIndexOf('/') + 1)
  const prefix = before.slice(parent.length)
  const suffix = after.includes('/') ? after.slice(0, after.indexOf('/')) : after
  const names = await namesIn(parent)
  return names
    .filter((name) => name.startsWith(prefix) && name.endsWith(suffix) && /^\d/.test(name.slice(prefix.length)))
    .map((name) => join(parent, name, after.slice(suffix.length)))
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return []
    throw error
  }
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return true
  } catch {
    return false // whatever the reason, it cannot be run
  }
}

/** 15.18 fits 15 and 15.18, not 1 nor 15.1. */
function fits(found: string, wanted: string): boolean {
  return found === wanted || found.startsWith(`${wanted}.`)
}
