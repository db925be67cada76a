import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { locateProject } from '../../src/project/locate.ts'
import { pathsOf } from '../../src/project/paths.ts'
import { containing, freshFolder } from './folder.ts'

describe('locateProject', () => {
  it('finds the nearest .hayaidb file above', async () => {
    const root = await freshFolder()
    await mkdir(join(root, 'inner/deep/deeper'), { recursive: true })
    await writeFile(join(root, '.hayaidb'), '')
    await writeFile(join(root, 'inner/.hayaidb'), '')
    expect(await locateProject({ cwd: join(root, 'inner/deep/deeper') })).toEqual({
      root: join(root, 'inner'),
      config: join(root, 'inner/.hayaidb'),
    })
    expect(await locateProject({ cwd: root })).toEqual({ root, config: join(root, '.hayaidb') })
  })

  it('finds a .hayai folder without a .hayaidb file', async () => {
    const root = await freshFolder()
    await mkdir(join(root, '.hayai'))
    await mkdir(join(root, 'src'))
    expect(await locateProject({ cwd: join(root, 'src') })).toEqual({ root, config: undefined })
  })

  it('takes neither a folder called .hayaidb, nor a file called .hayai, nor a link that leads nowhere', async () => {
    const root = await freshFolder()
    await mkdir(join(root, 'a/b/c'), { recursive: true })
    await mkdir(join(root, '.hayai'))
    await mkdir(join(root, 'a/.hayaidb'))
    await writeFile(join(root, 'a/b/.hayai'), '')
    await symlink('nowhere', join(root, 'a/b/c/.hayaidb'))
    expect((await locateProject({ cwd: join(root, 'a/b/c') })).root).toBe(root)
  })

  it('gives the same root by way of a link', async () => {
    const root = await freshFolder()
    await mkdir(join(root, 'real'))
    await writeFile(join(root, 'real/.hayaidb'), '')
    await symlink('real', join(root, 'link'))
    expect((await locateProject({ cwd: join(root, 'link') })).root).toBe(join(root, 'real'))
  })

  it('says what to type where there is no project, or begins one', async () => {
    const root = await freshFolder()
    await expect(locateProject({ cwd: root })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      hint: containing('hayai init -n mydb -e sqlite'),
    })
    expect(await locateProject({ cwd: root, create: true })).toEqual({ root, config: undefined })
  })

  it('finds the project above rather than beginning another inside it', async () => {
    const root = await freshFolder()
    await mkdir(join(root, 'inner'))
    await writeFile(join(root, '.hayaidb'), '')
    expect((await locateProject({ cwd: join(root, 'inner'), create: true })).root).toBe(root)
  })

  it('takes a file by name; its folder is the project', async () => {
    const root = await freshFolder()
    await mkdir(join(root, 'config'))
    await writeFile(join(root, 'config/dev.yaml'), '')
    const there = { root: join(root, 'config'), config: join(root, 'config/dev.yaml') }
    expect(await locateProject({ cwd: root, config: 'config/dev.yaml' })).toEqual(there)
    expect(await locateProject({ cwd: root, config: join(root, 'config/dev.yaml') })).toEqual(there)
  })

  it('tells a file that is missing from one that is a folder', async () => {
    const root = await freshFolder()
    await expect(locateProject({ cwd: root, config: 'none.yaml', create: true })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: containing(join(root, 'none.yaml')),
    })
    await expect(locateProject({ cwd: root, config: '.' })).rejects.toMatchObject({ code: 'USAGE' })
  })

  it('does not invent a folder that is not there', async () => {
    const root = await freshFolder()
    await rm(root, { recursive: true })
    await expect(locateProject({ cwd: root, create: true })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('pathsOf', () => {
  const root = '/srv/app'
  const paths = pathsOf(root)
  const named = [
    paths.dataDir,
    paths.runDir,
    paths.logFile,
    paths.databaseLock,
    paths.secretFile,
    (name: string) => paths.trash(name, 'id-1'),
  ]

  it('puts what belongs to a database where DESIGN says', () => {
    expect(named.map((path) => path('shop'))).toEqual(
      ['data/shop', 'run/shop', 'logs/shop.log', 'locks/shop', 'secrets/shop.json', 'trash/shop.id-1'].map(
        (each) => `/srv/app/.hayai/${each}`,
      ),
    )
    expect([paths.config, paths.catalog, paths.snapshots, paths.backups]).toEqual(
      ['.hayaidb', '.hayai/catalog.json', 'snapshots', 'backups'].map((each) => `/srv/app/${each}`),
    )
  })

  it.each(['../x', '..', '', 'a/b', '/etc/passwd', 'A', '.x', 'a\0b', 'x'.repeat(64), 'list'])('refuses the name %j', (name) => {
    for (const path of named) expect(() => path(name)).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })

  it('never leaves its folder, whatever the name and the id', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (name, id) => {
        for (const path of [...named, (each: string) => paths.trash(each, id)]) {
          let place: string
          try {
            place = path(name)
          } catch (error) {
            expect(error).toMatchObject({ code: 'USAGE' })
            continue
          }
          expect(place).toMatch(/^\/srv\/app\/\.hayai\/[a-z]+\/[^/]+$/)
        }
      }),
      { numRuns: 500 },
    )
  })
})
