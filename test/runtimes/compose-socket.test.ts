// What is asked of Docker at its socket is what its program would say; and the socket is the one that its program would choose.

import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, test, vi } from 'vitest'
import { inspectedImage, see, volumeLabels } from '../../src/runtimes/compose/inspect.ts'
import { answerAt, socketOf } from '../../src/runtimes/compose/socket.ts'
import { docker, image, noDocker } from './compose/docker.ts'

describe('the socket', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hayai-socket-'))
  const configure = (config: object): void => writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
  beforeAll(() => {
    for (const [name, host] of [
      ['desktop', 'unix:///home/ana/.docker/desktop/docker.sock'],
      ['far', 'ssh://ana@far.example'],
    ] as const) {
      const meta = join(folder, 'contexts', 'meta', createHash('sha256').update(name).digest('hex'))
      mkdirSync(meta, { recursive: true })
      writeFileSync(join(meta, 'meta.json'), JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } }))
    }
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('is the one of DOCKER_HOST, of the context that is named, of the one in the configuration, or the usual one', async () => {
    const of = (environment: NodeJS.ProcessEnv) => socketOf({ DOCKER_CONFIG: folder, ...environment })
    const usual = '/var/run/docker.sock'
    const desktop = '/home/ana/.docker/desktop/docker.sock'
    expect(await of({})).toBe(usual)
    configure({ auths: {} })
    expect(await of({})).toBe(usual)
    configure({ currentContext: 'desktop' })
    expect(await of({})).toBe(desktop)
    expect(await of({ DOCKER_CONTEXT: 'default' })).toBe(usual)
    expect(await of({ DOCKER_CONTEXT: 'far' })).toBeUndefined()
    expect(await of({ DOCKER_CONTEXT: 'nowhere' })).toBeUndefined()
    expect(await of({ DOCKER_HOST: 'unix:///run/other.sock', DOCKER_CONTEXT: 'far' })).toBe('/run/other.sock')
    for (const host of ['tcp://127.0.0.1:2375', 'ssh://ana@far.example']) expect(await of({ DOCKER_HOST: host })).toBeUndefined()
    for (const name of ['DOCKER_TLS_VERIFY', 'DOCKER_API_VERSION'] as const) expect(await of({ [name]: '1.41' })).toBeUndefined()
  })
})

describe.skipIf(noDocker !== undefined && process.env['CI'] === undefined)(`asked${noDocker === undefined ? '' : ` (${noDocker})`}`, () => {
  const name = 'hayai-test-socket'
  const remove = (): void => {
    docker('rm', '--force', '--volumes', name)
    docker('volume', 'rm', '--force', name)
  }
  beforeAll(() => {
    docker('volume', 'create', '--label', 'org.hayai.test=a b', name)
    const options = ['--name', name, '--label', 'org.hayai.test=socket', '--env', 'WORD=a=b', '--mount', `source=${name},target=/kept`]
    docker('create', ...options, image('postgres'), 'postgres', '-c', 'fsync=off')
  })
  afterAll(remove)

  test('it says of containers, images and volumes what its program says, and of what is not there, that', async () => {
    const questions = () =>
      Promise.all([
        ...[name, 'no-such-container'].map((each) => see(each)),
        ...[image('postgres'), docker('image', 'inspect', '--format', '{{.Id}}', image('postgres')), 'no/such:image'].map(inspectedImage),
        ...[name, 'no_such_volume'].map(volumeLabels),
      ])
    expect(await answerAt(`/containers/${name}/json`)).toMatchObject({ Name: `/${name}` })
    expect(await answerAt('/containers/no-such-container/json')).toBeNull()
    const straight = await questions()
    vi.stubEnv('DOCKER_API_VERSION', docker('version', '--format', '{{.Server.APIVersion}}'))
    expect(await answerAt(`/containers/${name}/json`)).toBeUndefined()
    const told = await questions()
    vi.unstubAllEnvs()
    const known = straight.map((each) => each !== undefined)
    expect(known).toEqual([true, false, true, true, false, true, false])
    expect(told.map((each) => each !== undefined)).toEqual(known)
    expect(straight.filter((_, at) => at !== 2 && at !== 3)).toEqual(told.filter((_, at) => at !== 2 && at !== 3))
    for (const at of [2, 3]) expect(straight[at]).toMatchObject({ Id: (told[at] as { Id: string }).Id })
    expect(straight[0]).toMatchObject({
      running: false,
      labels: { 'org.hayai.test': 'socket' },
      variables: expect.arrayContaining(['WORD=a=b']) as string[],
      mounts: expect.arrayContaining([{ kind: 'volume', source: name, target: '/kept' }]) as object[],
    })
    expect(straight[5]).toEqual({ 'org.hayai.test': 'a b' })
  })

  test('where nobody listens, it is left to the program, which says what is wrong', async () => {
    vi.stubEnv('DOCKER_HOST', 'unix:///nowhere/docker.sock')
    try {
      expect(await answerAt(`/containers/${name}/json`)).toBeUndefined()
      await expect(see(name)).rejects.toMatchObject({
        code: 'ENVIRONMENT',
        message: expect.stringContaining('Docker does not answer') as string,
      })
    } finally {
      vi.unstubAllEnvs()
    }
  })
})
