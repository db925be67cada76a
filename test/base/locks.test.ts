import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDurably, isPartial, resolveInside, sweepPartials, temporaryName, writeDurably } from '../../src/base/files.ts'
import { withLock } from '../../src/base/locks.ts'
import { end, identify, isAlive, self } from '../../src/base/processes.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hayai-locks-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

const holder = (path: string) =>
  spawn(process.execPath, [
    '--input-type=module',
    '-e',
    `import { withLock } from ${JSON.stringify(new URL('../../src/base/locks.ts', import.meta.url).pathname)}
     await withLock(${JSON.stringify(path)}, { purpose: 'holding on' }, async () => { console.log('held'); await new Promise((r) => setTimeout(r, 60000)) })`,
  ])

describe('withLock', () => {
  it('lets forty in, one at a time', async () => {
    let inside = 0
    let most = 0
    const path = join(folder, 'forty')
    await Promise.all(
      Array.from({ length: 40 }, () =>
        withLock(path, { purpose: 'counting' }, async () => {
          most = Math.max(most, ++inside)
          await new Promise((resolve) => setTimeout(resolve, 1))
          inside--
        }),
      ),
    )
    expect(most).toBe(1)
  })

  it('never takes a live owner’s lock, tells who it is, and takes a killed one’s at once', async () => {
    const path = join(folder, 'owned')
    const child = holder(path)
    await once(child.stdout, 'data')
    await expect(withLock(path, { purpose: 'trying', patience: 200 }, async () => {})).rejects.toMatchObject({
      code: 'LOCKED',
      message: expect.stringContaining(`process ${child.pid}, holding on`) as string,
    })
    child.kill('SIGSTOP') // asleep is not dead
    await expect(withLock(path, { purpose: 'trying', patience: 100 }, async () => {})).rejects.toMatchObject({ code: 'LOCKED' })
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await withLock(path, { purpose: 'trying', patience: 1000 }, async () => 'mine')).toBe('mine')
  })

  it('lets go when the work fails', async () => {
    const path = join(folder, 'failing')
    await expect(withLock(path, { purpose: 'x' }, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await withLock(path, { purpose: 'x', patience: 0 }, async () => 1)).toBe(1)
  })
})

describe('files', () => {
  it('are replaced as a whole, or made only when absent', async () => {
    const path = join(folder, 'file')
    await writeDurably(path, 'one')
    await writeDurably(path, 'two')
    expect(await createDurably(path, 'three')).toBe(false)
    expect(await createDurably(join(folder, 'other'), 'x')).toBe(true)
    expect((await readdir(folder)).filter(isPartial)).toEqual([])
  })

  it('that dead commands were making are swept, and those of the living stay', async () => {
    const mine = temporaryName('mine')
    const dead = mine.replace(`.${process.pid}-`, '.999999999-')
    const reused = mine.replace(/-[0-9a-zA-Z_]+-/, '-0_0-') // the number lives, but it is another process now
    for (const name of [mine, dead, reused]) await writeFile(join(folder, name), '')
    await sweepPartials(folder)
    expect((await readdir(folder)).filter(isPartial)).toEqual([mine])
    await rm(join(folder, mine))
  })

  it('cannot be named out of their folder', () => {
    for (const part of ['../x', '/etc/passwd', 'a/../../x']) expect(() => resolveInside(folder, part)).toThrow('leads out')
    expect(resolveInside(folder, 'a', 'b')).toBe(join(folder, 'a/b'))
  })
})

describe('processes', () => {
  it('are told apart by number and start', async () => {
    expect(isAlive(self())).toBe(true)
    expect(isAlive({ ...self(), started: 'long ago' })).toBe(false)
    const child = spawn('sleep', ['100'])
    const id = identify(child.pid ?? 0)
    expect(id).toBeDefined()
    if (id !== undefined) {
      expect(await end(id, 'SIGTERM', 5000)).toBe(true)
      expect(await end(id, 'SIGTERM', 0)).toBe(true)
    }
  })
})
