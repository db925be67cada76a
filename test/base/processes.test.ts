// Whether a process is there, and when it is gone.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { end, identify, isAlive, self } from '../../src/base/processes.ts'

const state = (pid: number): string => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0] ?? ''

describe('a process', () => {
  it('is known by number and start', () => {
    expect(isAlive(self())).toBe(true)
    expect(isAlive({ ...self(), started: 'long ago' })).toBe(false)
    for (const pid of [0, -1, 1.5, Number.NaN, 2 ** 40]) expect(identify(pid)).toBeUndefined()
  })

  it('is gone when it has ended, also before anybody has asked for its status', async () => {
    const child = spawn('sh', ['-c', 'sleep 0.2 & exec sleep 5'], { stdio: 'ignore' })
    const parent = identify(child.pid ?? 0)
    if (parent === undefined) throw new Error('it did not start')
    const children = (): string => readFileSync(`/proc/${parent.pid}/task/${parent.pid}/children`, 'utf8').split(' ')[0] ?? ''
    while (children() === '') await sleep(10)
    const orphan = Number(children())
    while (state(orphan) !== 'Z') await sleep(10) // its parent never asks
    expect(identify(orphan)).toBeUndefined()
    expect(await end(parent, 'SIGKILL', 5000)).toBe(true)
  })

  it('is not gone when its first thread has ended and others go on: it still holds what it holds', async () => {
    const program =
      'import ctypes, threading, time; threading.Thread(target=time.sleep, args=(1,)).start(); ctypes.CDLL(None).pthread_exit(None)'
    const child = spawn('python3', ['-c', program], { stdio: 'ignore' })
    const closed = once(child, 'close')
    const id = identify(child.pid ?? 0)
    if (id === undefined) throw new Error('it did not start')
    while (state(id.pid) !== 'Z') await sleep(10)
    expect(isAlive(id)).toBe(true)
    await closed
    expect(isAlive(id)).toBe(false)
  })
})
