// Images from a registry, by name, tag and digest, on an engine that does not have them yet: fetched with a word about how far that is,
// told in words when they cannot be had, and remembered, so that a copy of the data comes to life in the very image it was made with.

import { execFileSync } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { docker, image, labelled, noDocker } from '../runtimes/compose/docker.ts'
import { folderActors } from './data-folder.ts'
import { forgetHere, noRegistry, startRegistry, type Registry } from './registry.ts'
import { containersOf, stage, type Stage } from './stage.ts'

const etcd = folderActors.find(({ engine }) => engine === 'etcd')
const missing = noDocker ?? noRegistry ?? etcd?.missing

describe('an image of a registry', { timeout: 120_000 }, () => {
  if (etcd === undefined) throw new Error('etcd has left the stage')
  if (missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${missing}`, () => {})

  let registry: Registry
  const scenes: Stage[] = []
  const declared = async (named: string, name = 'shop'): Promise<Stage> => {
    const scene = await stage()
    scenes.push(scene)
    await writeFile(join(scene.root, '.hayaidb'), `databases:\n  ${name}: { engine: etcd, runtime: compose, image: "${named}" }\n`)
    return scene
  }
  const watched = () => {
    const stages: string[] = []
    return { stages, onProgress: ({ stage: now }: { readonly stage: string }) => void stages.push(now) }
  }
  const dump = async ({ project }: Stage, name = 'shop'): Promise<string> => etcd.dump((await project.connect(name)).port ?? 0)
  const fill = async ({ project }: Stage): Promise<void> => etcd.fill((await project.connect('shop')).port ?? 0)
  const running = (scene: Stage): string => docker('inspect', '--format', '{{.Image}}', ...containersOf(scene.root))
  /** Stopped, and without its container, which would keep the image. */
  const rest = async ({ root, project }: Stage): Promise<void> => {
    const names = containersOf(root)
    await project.stop(['shop'])
    docker('rm', '--force', ...names)
  }
  const idOf = (reference: string): string => docker('image', 'inspect', '--format', '{{.Id}}', reference)

  beforeAll(async () => {
    registry = await startRegistry()
  })
  afterEach(async () => {
    for (const scene of scenes.splice(0)) await scene.close()
  })
  afterAll(() => registry.close())

  it('by its digest is fetched, told layer by layer, also at a start that finds it gone; a snapshot says which one it was', async () => {
    const digest = await registry.push('etcd', image('etcd'))
    const named = `${registry.at}/etcd@${digest}`
    const scene = await declared(named)
    const making = watched()
    await scene.project.initDeclared({}, making)
    const told = new RegExp(`^fetching ${registry.at}/etcd@${digest.slice(0, 19)}: [1-9] of [1-9] layers$`)
    expect(making.stages).toContainEqual(expect.stringMatching(told))
    await scene.project.start(['shop'])
    await fill(scene)
    const before = await dump(scene)
    const { snapshot } = await scene.project.snapshot({ database: 'shop' })
    expect(snapshot?.manifest?.image).toEqual({ name: named, digest })
    await rest(scene)
    forgetHere(named)
    const starting = watched()
    await scene.project.start(['shop'], starting)
    expect(starting.stages).toContainEqual(expect.stringMatching(told))
    expect(await dump(scene)).toBe(before)
  })

  it('is that of a clone, and of a database that is made for a snapshot', async () => {
    const digest = await registry.push('etcd', image('etcd'))
    const scene = await declared(`${registry.at}/etcd@${digest}`)
    await scene.project.initDeclared()
    await scene.project.start(['shop'])
    await fill(scene)
    const before = await dump(scene)
    const { snapshot } = await scene.project.snapshot({ database: 'shop' })
    await scene.project.clone({ from: 'shop', to: 'copy' })
    await scene.project.restore({ reference: snapshot?.id ?? '', to: 'aside' })
    for (const name of ['copy', 'aside']) expect(await dump(scene, name)).toBe(before)
    expect(new Set(running(scene).split('\n'))).toEqual(new Set([idOf(`${registry.at}/etcd@${digest}`)]))
    expect((await readFile(join(scene.root, '.hayaidb'), 'utf8')).split(digest)).toHaveLength(4)
    expect((await scene.project.verify({ reference: snapshot?.id ?? '' })).ok).toBe(true)
  })

  it('whose tag means another one by now is fetched as it was, for the data that it made', async () => {
    const was = await registry.push('etcd:3', image('etcd'))
    const scene = await declared(`${registry.at}/etcd:3`)
    await scene.project.initDeclared()
    await scene.project.start(['shop'])
    await fill(scene)
    const before = await dump(scene)
    const { backup } = await scene.project.backup()
    expect((await scene.project.snapshot({ database: 'shop' })).snapshot?.manifest?.image).toEqual({
      name: `${registry.at}/etcd:3`,
      digest: was,
    })
    const [made, path] = [running(scene), join(await mkdtemp(join(tmpdir(), 'hayai-trial-backup-')), 'backup')]
    await cp(backup?.path ?? '', path, { recursive: true })
    await rest(scene)
    forgetHere(`${registry.at}/etcd:3`)
    const now = await registry.push('etcd:3', image('etcd'))
    expect(now).not.toBe(was)

    // Its own data, at the next start; and in an empty folder, as on another machine.
    await scene.project.start(['shop'])
    expect(running(scene)).toBe(made)
    expect(await dump(scene)).toBe(before)
    await rest(scene)
    forgetHere(`${registry.at}/etcd:3`)
    const other = await stage()
    scenes.push(other)
    await other.project.restoreBackup({ reference: path })
    await other.project.start(['shop'])
    expect(running(other)).toBe(made)
    expect(await dump(other)).toBe(before)

    // What its owner pulls is what the name means here, from the next start on.
    await rest(other)
    docker('pull', '--quiet', `${registry.at}/etcd:3`)
    await other.project.start(['shop'])
    expect(running(other)).toBe(idOf(`${registry.at}/etcd@${now}`))
    expect((await other.project.snapshot({ database: 'shop' })).snapshot?.manifest?.image?.digest).toBe(now)
    expect(await dump(other)).toBe(before)

    // No silent change where the one that is known is nowhere any more.
    await rest(other)
    forgetHere(`${registry.at}/etcd@${was}`)
    forgetHere(`${registry.at}/etcd:3`)
    await registry.forget('etcd', was)
    await expect(scene.project.start(['shop'])).rejects.toMatchObject({
      code: 'ENVIRONMENT',
      message: expect.stringContaining(`made with is not in its registry any more (${was})`) as string,
      hint: `To go on with what the name means now: docker pull ${registry.at}/etcd:3`,
    })
    docker('pull', '--quiet', `${registry.at}/etcd:3`)
    await scene.project.start(['shop'])
    expect(await dump(scene)).toBe(before)
    await rm(join(path, '..'), { recursive: true })
  })

  it('that was pushed nowhere has no digest, and what its registry does not have is told; nothing is made', async () => {
    const digest = await registry.push('etcd', image('etcd'))
    for (const [named, says] of [
      [`${registry.at}/etcd@sha256:${'0'.repeat(64)}`, `${registry.at} has none of that name, tag or digest`],
      [`${registry.at}/etcd:9`, `${registry.at} has none of that name, tag or digest`],
      [`${registry.at}/etcdd@${digest}`, `${registry.at} has none of that name, tag or digest`],
      ['hayai.invalid/etcd:3', 'hayai.invalid does not give it'],
      ['Etcd:3', 'that is no name of one'],
    ] as const) {
      const scene = await declared(named)
      await expect(scene.project.initDeclared()).rejects.toMatchObject({
        code: 'ENVIRONMENT',
        message: expect.stringContaining(`the image ${named} is not on this machine, and ${says}: `) as string,
        hint: expect.stringContaining('`image:`') as string,
      })
      expect(await scene.project.list()).toEqual([])
    }
    const scene = await declared(image('etcd'), 's') // a name like that of a drive
    await scene.project.initDeclared()
    await scene.project.start(['s'])
    expect((await scene.project.snapshot({ database: 's' })).snapshot?.manifest?.image).toEqual({ name: image('etcd'), digest: null })
  })

  it('of a registry that is down is told, and leaves what is there as it is', async () => {
    const away = await startRegistry()
    onTestFinished(() => away.close())
    const digest = await away.push('etcd', image('etcd'))
    const scene = await declared(`${away.at}/etcd@${digest}`)
    await scene.project.initDeclared()
    await scene.project.start(['shop'])
    await fill(scene)
    const before = await dump(scene)
    await rest(scene)
    await away.stop()
    forgetHere(`${away.at}/etcd@${digest}`)
    await expect(scene.project.start(['shop'])).rejects.toMatchObject({
      code: 'ENVIRONMENT',
      message: expect.stringMatching(new RegExp(`and ${away.at} does not give it: .*connection refused`)) as string,
      hint: expect.stringContaining('Try again when it answers') as string,
    })
    const volumes = labelled(
      `org.hayai.project=${(JSON.parse(await readFile(join(scene.root, '.hayai/compose/project.json'), 'utf8')) as { mark: string }).mark}`,
    )
    expect(volumes.filter((name) => name.endsWith('_shop-g0001'))).toHaveLength(1)
    docker('tag', image('etcd'), `${away.at}/etcd:by-hand`)
    await writeFile(
      join(scene.root, '.hayaidb'),
      `databases:\n  shop: { engine: etcd, runtime: compose, image: "${away.at}/etcd:by-hand" }\n`,
    )
    await scene.project.start(['shop'])
    expect(await dump(scene)).toBe(before)
  })

  it('of a registry that wants a login says what to type, and then it is had', async () => {
    const htpasswd = 'me:$2b$04$VjUsI5L9eU32.UFmQIMKJO2NjpFDL348gpDYC0HFrL6zB/Ew2Wc.C'
    const guarded = await startRegistry({ htpasswd, as: 'me:secret' })
    const config = await mkdtemp(join(tmpdir(), 'hayai-trial-docker-'))
    const before = process.env['DOCKER_CONFIG']
    try {
      if (before !== undefined) await cp(before, config, { recursive: true })
      process.env['DOCKER_CONFIG'] = config
      const typed = (hint: string): void =>
        void execFileSync('sh', ['-ec', `echo secret | ${hint} --username me --password-stdin`], { stdio: 'pipe' })
      typed(`docker login ${guarded.at}`)
      await guarded.push('etcd:3', image('etcd'))
      docker('logout', guarded.at)
      const scene = await declared(`${guarded.at}/etcd:3`)
      const hint = `docker login ${guarded.at}`
      await expect(scene.project.initDeclared()).rejects.toMatchObject({
        code: 'ENVIRONMENT',
        message: expect.stringContaining(`and ${guarded.at} wants a login for it: `) as string,
        hint: `Log in, then try again: ${hint}`,
      })
      typed(hint)
      await scene.project.initDeclared()
      await scene.project.start(['shop'])
    } finally {
      if (before === undefined) delete process.env['DOCKER_CONFIG']
      else process.env['DOCKER_CONFIG'] = before
      await rm(config, { recursive: true })
      for (const scene of scenes.splice(0)) await scene.close()
      await guarded.close()
    }
  })
})
