// Before the tests: the bundle of the programs that they start. It stands in a folder that is named by the digest of all it is made
// of, so one of other sources is never run.

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { rolldown } from 'rolldown'
import type { TestProject } from 'vitest/node'
import { HOW } from '../rolldown.config.ts'
import { BUNDLES, CURRENT, nameOf, SOURCES } from './programs.ts'

const ROOT = join(import.meta.dirname, '..')
const A_DAY = 24 * 3_600_000

export async function setup(project: TestProject): Promise<void> {
  await bundle()
  project.onTestsRerun(bundle)
}

async function bundle(): Promise<void> {
  const name = await digest()
  const folder = join(BUNDLES, name)
  if (!existsSync(folder)) await build(folder)
  // What Node has compiled is kept from one process to the next, and goes with the bundle.
  process.env['NODE_COMPILE_CACHE'] = join(folder, 'compiled')
  await link(name, CURRENT)
  await link('../scripts', join(BUNDLES, 'scripts'))
  await removeOlder(name)
}

async function digest(): Promise<string> {
  const hash = createHash('sha256')
  const below = async (folder: string) => (await readdir(join(ROOT, folder), { recursive: true })).map((each) => join(folder, each))
  const sources = [...(await below('src')), ...(await below('test'))].filter((each) => each.endsWith('.ts') && !each.endsWith('.test.ts'))
  for (const file of ['package-lock.json', 'rolldown.config.ts', ...sources.toSorted()]) {
    hash.update(`${file}\0`).update(await readFile(join(ROOT, file)))
  }
  return hash.digest('hex').slice(0, 32)
}

/** Whole or not there: another run may be at it too. */
async function build(folder: string): Promise<void> {
  const unfinished = `${folder}.${process.pid}`
  const input = Object.fromEntries(SOURCES.map((source) => [nameOf(source), join(ROOT, source)]))
  const made = await rolldown({ ...HOW, external: [...HOW.external, '@duckdb/node-api'], cwd: ROOT, input })
  await made.write({ dir: unfinished, format: 'esm', sourcemap: true, chunkFileNames: 'chunks/[name]-[hash].js' })
  await made.close()
  try {
    await rename(unfinished, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
    await rm(unfinished, { recursive: true })
  }
}

async function link(to: string, path: string): Promise<void> {
  const unfinished = `${path}.${process.pid}`
  await mkdir(BUNDLES, { recursive: true })
  await symlink(to, unfinished)
  await rename(unfinished, path)
}

/** Programs of another run may still be at work in theirs. */
async function removeOlder(name: string): Promise<void> {
  for (const each of await readdir(BUNDLES, { withFileTypes: true })) {
    const folder = join(BUNDLES, each.name)
    if (!each.isDirectory() || basename(folder) === name) continue
    if (Date.now() - (await stat(folder)).mtimeMs > A_DAY) await rm(folder, { recursive: true, force: true })
  }
}
