// What is published: the bundle, its door, its licences and its types; built here, in a folder of its own.

import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { cp, mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emptyFolder, run } from './terminal.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const tool = (name: string) => join(ROOT, 'node_modules', '.bin', name)

let folder: Awaited<ReturnType<typeof emptyFolder>>
let bin: string

beforeAll(async () => {
  folder = await emptyFolder()
  for (const name of ['src', 'bin', 'package.json', 'rolldown.config.ts', 'tsconfig.json', 'tsconfig.types.json']) {
    await cp(join(ROOT, name), join(folder.path, 'made', name), { recursive: true })
  }
  await symlink(join(ROOT, 'node_modules'), join(folder.path, 'made', 'node_modules'))
  const cwd = join(folder.path, 'made')
  execFileSync(process.execPath, [tool('rolldown'), '-c'], { cwd, stdio: 'ignore' })
  execFileSync(process.execPath, [tool('tsc'), '-p', 'tsconfig.types.json', '--noCheck'], { cwd, stdio: 'ignore' })
  // Elsewhere, without its sources and without node_modules.
  await mkdir(join(folder.path, 'hayai'))
  for (const name of ['bin', 'dist', 'package.json']) await rename(join(cwd, name), join(folder.path, 'hayai', name))
  bin = join(folder.path, 'hayai', 'bin', 'hayai.js')
})
afterAll(() => folder.remove())

const hayai = (...args: string[]) => run(process.execPath, [bin, ...args], { cwd: folder.path })
const version = (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version

it('tells its version, quickly and in full', async () => {
  expect(await hayai('--version')).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' })
  expect(await hayai('-v')).toMatchObject({ stdout: `${version}\n` })
  expect(JSON.parse((await hayai('--version', '--json')).stdout)).toMatchObject({ ok: true, command: 'version', data: { version } })
})

it('works alone: a database, a snapshot, damage, and back', async () => {
  const project = join(folder.path, 'project')
  await mkdir(project)
  const at = (...args: string[]) => run(process.execPath, [bin, ...args], { cwd: project })
  expect(await at('init', '-n', 'notes', '-e', 'sqlite')).toMatchObject({ status: 0 })
  expect(await at('snapshot', 'notes', '-c')).toMatchObject({ status: 0, stderr: '' })
  expect(await at('restore', 'notes', '--latest')).toMatchObject({ status: 0, stderr: '' })
  expect(await at('undo')).toMatchObject({ status: 0 })
  expect((await at('list')).stdout).toBe('notes\n')
  for (const command of ['--help', 'validate', 'snapshot list', 'version']) expect((await at(...command.split(' '))).status).toBe(0)
})

it('loads each command only when it is called', () => {
  const main = readFileSync(join(folder.path, 'hayai', 'dist', 'main.js'), 'utf8')
  expect(main).not.toContain('zod')
  expect(main.length).toBeLessThan(30_000)
})

it('does not load what makes Node itself slow to begin, as an import of node:http does', async () => {
  const listing = join(folder.path, 'listing.cjs')
  await writeFile(listing, `process.on('exit', () => process.stderr.write(process.moduleLoadList.join('\\n')))`)
  for (const command of ['list', 'snapshot notes', 'engines']) {
    const { stderr } = await run(process.execPath, ['--require', listing, bin, ...command.split(' ')], {
      cwd: join(folder.path, 'project'),
    })
    expect(stderr).toContain('NativeModule fs')
    expect(stderr).not.toMatch(/NativeModule (?:internal\/deps\/undici|_http_|https?$)/m)
  }
})

it('carries the licence of everything that is inside', () => {
  const licences = readFileSync(join(folder.path, 'hayai', 'dist', 'LICENSES.txt'), 'utf8')
  for (const name of ['yaml', 'zod', 'pg', '@clack/prompts']) expect(licences).toMatch(new RegExp(`^${name} [0-9.]+ \\([A-Z]`, 'm'))
  const chunks = join(folder.path, 'hayai', 'dist', 'chunks')
  const inside = readdirSync(chunks).flatMap((name) =>
    [...readFileSync(join(chunks, name), 'utf8').matchAll(/^\/\/ (?:\S*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//gm)].map(
      ([, found]) => found,
    ),
  )
  expect(inside.length).toBeGreaterThan(10)
  for (const name of new Set(inside)) expect(licences).toContain(`${name} `)
})

describe('as a library', () => {
  it('opens its door', async () => {
    await mkdir(join(folder.path, 'node_modules'), { recursive: true })
    await symlink(join(folder.path, 'hayai'), join(folder.path, 'node_modules', 'hayai'))
    await writeFile(
      join(folder.path, 'use.mjs'),
      `import { openProject, HayaiError } from 'hayai'\nconsole.log(typeof openProject, HayaiError.name)\n`,
    )
    expect((await run(process.execPath, ['use.mjs'], { cwd: folder.path })).stdout).toBe('function HayaiError\n')
  })

  it('has types that a program can be checked against', async () => {
    const program = [
      `import { openProject, type SnapshotView } from 'hayai'`,
      `const views: readonly SnapshotView[] = await (await openProject()).snapshots()`,
      `export const good: number | undefined = views[0]?.bytes`,
      `export const bad: string | undefined = views[0]?.bytes`,
    ]
    await writeFile(join(folder.path, 'use.mts'), program.join('\n'))
    const options = [
      '--ignoreConfig',
      '--strict',
      '--skipLibCheck',
      '--noEmit',
      '--module',
      'nodenext',
      '--target',
      'es2024',
      '--types',
      'node',
    ]
    const roots = ['--typeRoots', join(ROOT, 'node_modules', '@types')]
    const { stdout } = await run(process.execPath, [tool('tsc'), ...options, ...roots, 'use.mts'], { cwd: folder.path })
    expect(stdout.match(/error TS\d+/g)).toEqual(['error TS2322'])
    expect(stdout).toContain('use.mts(4,')
  })
})

describe('on a Node that is too old', () => {
  const old = ['/usr/bin/node', '/usr/local/bin/node'].find((node) => existsSync(node) && majorOf(node) < 24)

  it.skipIf(old === undefined)('says so in one sentence', async () => {
    const { status, stdout, stderr } = await run(old ?? '', [bin, 'list'], { cwd: folder.path })
    expect({ status, stdout }).toEqual({ status: 6, stdout: '' })
    expect(stderr).toMatch(/^error: Hayai needs Node 24 or newer, and this is Node \d+\.[^\n]+\n$/)
  })

  it.skipIf(old === undefined)('uses the newer one of its checkout, where there is one', async () => {
    await mkdir(join(folder.path, 'hayai', 'node_modules', 'node', 'bin'), { recursive: true })
    await symlink(process.execPath, join(folder.path, 'hayai', 'node_modules', 'node', 'bin', 'node'))
    expect(await run(old ?? '', [bin, '--version'], { cwd: folder.path })).toMatchObject({ status: 0, stdout: `${version}\n` })
    expect(await run(old ?? '', [bin, 'nonsense'], { cwd: folder.path })).toMatchObject({ status: 2, stdout: '' })
  })
})

it('says what to do when it was not built', async () => {
  await rename(join(folder.path, 'hayai', 'dist'), join(folder.path, 'hayai', 'away'))
  try {
    const { status, stderr } = await hayai('list')
    expect(status).toBe(6)
    expect(stderr).toContain('npm run build')
  } finally {
    await rename(join(folder.path, 'hayai', 'away'), join(folder.path, 'hayai', 'dist'))
  }
})

function majorOf(node: string): number {
  return Number.parseInt(execFileSync(node, ['--version'], { encoding: 'utf8' }).slice(1), 10)
}
