// Many commands at once, names that want out, a catalog that is damaged, and projects that are called the same.

import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { openProject } from '../../src/index.ts'
import { stage, stageIn, type Stage } from './stage.ts'
import { bundled } from '../programs.ts'

const run = promisify(execFile)
const stages: Stage[] = []
async function scene(): Promise<Stage> {
  const made = await stage()
  stages.push(made)
  return made
}
afterEach(async () => {
  for (const made of stages.splice(0)) await made.close()
})

const INIT = `
  import { openProject } from ${JSON.stringify(bundled('src/index.ts'))}
  const project = await openProject({ cwd: process.argv[1], create: true })
  await project.init({ name: process.argv[2], engine: process.argv[3] })
`
const initInChild = (root: string, name: string, engine: string) =>
  run(process.execPath, ['--input-type=module', '-e', INIT, root, name, engine], { timeout: 120_000 })

describe('a crowd', () => {
  it('of forty inits at once loses none, and gives no port twice', async () => {
    const { root, project } = await scene()
    const names = Array.from({ length: 40 }, (_, i) => `db${i}`)
    await Promise.all(names.map((name, i) => initInChild(root, name, i % 8 === 0 ? 'postgresql' : 'sqlite')))
    const views = await project.list()
    expect(views.map(({ name }) => name).toSorted()).toEqual(names.toSorted())
    const ports = views.flatMap(({ port }) => (port === null ? [] : [port]))
    expect(ports).toHaveLength(5)
    expect(new Set(ports).size).toBe(5)
    expect(ports.every((port) => port >= 5000 && port <= 6000)).toBe(true)
    const declared = await readFile(join(root, '.hayaidb'), 'utf8')
    for (const name of names) expect(declared).toContain(`${name}:`)
    expect((await project.validate()).databases).toHaveLength(40)
  })

  it('of eight inits of one name makes one database', async () => {
    const { root, project } = await scene()
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => initInChild(root, 'same', 'sqlite')))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await project.list()).toHaveLength(1)
  })
})

describe('names', () => {
  it.each(['../../x', '/etc/passwd', 'a/b', '..', '', 'UPPER', 'a b', 'x\0y', '-n', 'list', 'ä', 'a'.repeat(64)])(
    '%j is refused at every door',
    async (name) => {
      const { project } = await scene()
      await expect(project.init({ name, engine: 'sqlite' })).rejects.toMatchObject({ code: 'USAGE' })
      await expect(project.connect(name)).rejects.toMatchObject({ code: 'USAGE' })
      await expect(project.snapshot({ database: name })).rejects.toMatchObject({ code: 'USAGE' })
      await expect(project.remove(name, { missingOk: true })).rejects.toMatchObject({ code: 'USAGE' })
      await expect(project.undo(name)).rejects.toMatchObject({ code: 'USAGE' })
    },
  )
})

describe('a catalog', () => {
  it.each(['', '{', '[]', '{"formatVersion":1}', 'null'])('that holds %j is refused, and left as it is', async (content) => {
    const { root, project } = await scene()
    await project.init({ name: 'mydb', engine: 'sqlite' })
    const file = join(root, '.hayai', 'catalog.json')
    await writeFile(file, content)
    const attempts = [
      () => project.list(),
      () => project.init({ name: 'other', engine: 'sqlite' }),
      () => project.remove('mydb'),
      () => project.snapshot({ database: 'mydb' }),
    ]
    for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject({ code: 'CORRUPT' })
    expect(await readFile(file, 'utf8')).toBe(content)
  })

  it('that is missing while there are databases is not taken for an empty one', async () => {
    const { root, project } = await scene()
    await project.init({ name: 'mydb', engine: 'sqlite' })
    await rm(join(root, '.hayai', 'catalog.json'))
    await expect(project.list()).rejects.toMatchObject({ code: 'CORRUPT' })
  })
})

describe('two projects', () => {
  it('in folders of the same name do not meet', async () => {
    const outer = await scene()
    const roots = [join(outer.root, 'one', 'app'), join(outer.root, 'two', 'app')]
    const ports: (number | null | undefined)[] = []
    for (const root of roots) {
      await mkdir(root, { recursive: true })
      const made = await stageIn(root)
      await made.project.init({ name: 'main', engine: 'postgresql' })
      await made.project.start(['main'])
      ports.push((await made.project.list())[0]?.port)
      stages.unshift(made)
    }
    expect(ports[0]).not.toBe(ports[1])
    const [first, second] = await Promise.all(roots.map((cwd) => openProject({ cwd })))
    await first?.remove('main')
    expect(await second?.list()).toMatchObject([{ name: 'main', status: 'running' }])
  })
})
