// Whose the files are, and what is said of those that may not be read.

import { chown, lstat, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { asRefusal, openProject } from '../../src/index.ts'
import { hayai, PROGRAM, run } from './terminal.ts'

const SOMEBODY = 65_534

let folder: string
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'hayai-owners-'))))
afterEach(() => rm(folder, { recursive: true, force: true }))

it.runIf(process.getuid?.() === 0)('what root makes in the project of somebody is theirs', async () => {
  await chown(folder, SOMEBODY, SOMEBODY)
  const project = await openProject({ cwd: folder, create: true })
  await project.init({ name: 'notes', engine: 'sqlite' })
  await project.snapshot({ database: 'notes' })
  await project.restore({ reference: 'notes', latest: true })
  await project.backup()
  const strangers: string[] = []
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isSymbolicLink() && (await lstat(path)).uid !== SOMEBODY) strangers.push(path.slice(folder.length))
  }
  expect(strangers).toEqual([])
})

it('a newer snapshot that cannot be read is not passed over by --latest', async () => {
  const project = await openProject({ cwd: folder, create: true })
  await project.init({ name: 'notes', engine: 'sqlite' })
  const { snapshot: older } = await project.snapshot({ database: 'notes' })
  const { snapshot: newer } = await project.snapshot({ database: 'notes' })
  const manifest = newer?.path.replace(/\.db$/, '.json') ?? ''
  await writeFile(manifest, '{')
  await expect(project.restore({ reference: 'notes', latest: true })).rejects.toMatchObject({ code: 'CORRUPT' })
  expect((await project.health()).findings).toContainEqual(expect.objectContaining({ kind: 'snapshot-damaged', database: null }))
  await project.restore({ reference: older?.id ?? '' })
  await rm(manifest)
  await project.restore({ reference: 'notes', latest: true })
})

it('in a fresh clone nothing is called well that has not been created', async () => {
  await writeFile(join(folder, '.hayaidb'), 'version: "1.0"\ndatabases:\n  notes:\n    engine: sqlite\n')
  for (const verb of ['start', 'health', 'backup']) {
    const { status, stderr } = await hayai([verb], { cwd: folder })
    expect(stderr).toContain('hayai init --config .hayaidb')
    expect(status).toBe(3)
  }
})

it('a file that the system refuses is no bug, and is named', async () => {
  const refused = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES', path: folder })
  expect(asRefusal(refused)).toMatchObject({ code: 'ENVIRONMENT', message: `${folder} cannot be used: permission denied` })
  expect(asRefusal(new TypeError('x'))).toBeInstanceOf(TypeError)
})

it('whose folder is gone is told so', async () => {
  const { status, stderr } = await run('sh', ['-c', `rmdir "$0" && exec "$1" "$2" list`, folder, process.execPath, PROGRAM], {
    cwd: folder,
  })
  expect(stderr).toContain('is gone')
  expect(status).toBe(6)
})
