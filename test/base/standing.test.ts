// A child that stays for the next question: the same one as long as it is fit, and never one that holds a file.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { identify } from '../../src/base/processes.ts'
import { askStanding } from '../../src/base/standing.ts'

const SCRIPT = join(import.meta.dirname, 'standing-child.ts')
const ask = (verb: string, request: unknown = null, signal?: AbortSignal) => askStanding(SCRIPT, verb, request, signal)
const alive = (pid: unknown): boolean => identify(Number(pid)) !== undefined

describe('a child that stays', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hayai-standing-'))
  const file = join(folder, 'file')
  writeFileSync(file, 'something')
  afterAll(() => rmSync(folder, { recursive: true }))

  it('answers one question after the other, and errors are answers', async () => {
    const pid = await ask('pid')
    expect(await ask('pid')).toBe(pid)
    await expect(ask('refuse')).rejects.toMatchObject({ code: 'CONFLICT', message: 'not so', hint: 'otherwise' })
    expect(await ask('pid')).toBe(pid)
  })

  it('is not asked while it works: then there is another one', async () => {
    const pids = await Promise.all([ask('wait', 300), ask('wait', 300), ask('wait', 300)])
    expect(new Set(pids).size).toBe(3)
    expect(pids).toContain(await ask('pid'))
  })

  it('is not asked again when it has a file open, and ends', async () => {
    const pid = await ask('pid')
    expect(await ask('open', file)).toBeGreaterThan(2)
    const next = await ask('pid')
    expect(next).not.toBe(pid)
    expect(alive(pid)).toBe(false) // before the answer was given: what it had open, another may want
  })

  it('that fails, or ends without an answer, is named with its last words, and the next question has another one', async () => {
    const pid = await ask('pid')
    await expect(ask('unheard of')).rejects.toMatchObject({
      code: 'TOOL_FAILED',
      details: { stderr: expect.stringContaining('asked to "unheard of"') as string },
    })
    await expect(ask('end')).rejects.toMatchObject({ code: 'TOOL_FAILED' })
    expect(await ask('pid')).not.toBe(pid)
  })

  it('is ended by the signal, whatever it is at', async () => {
    const pid = await ask('pid')
    const abort = new AbortController()
    const asked = ask('wait', 100_000, abort.signal)
    setTimeout(() => abort.abort(new Error('enough')), 200)
    await expect(asked).rejects.toThrow('enough')
    await expect.poll(() => alive(pid)).toBe(false)
    await expect(ask('pid', null, abort.signal)).rejects.toThrow('enough')
  })

  it('ends by itself when nothing is asked of it', async () => {
    const pid = await ask('pid')
    expect(alive(pid)).toBe(true)
    await expect.poll(() => alive(pid), { timeout: 30_000, interval: 100 }).toBe(false)
    expect(await ask('pid')).not.toBe(pid)
  })

  it('keeps nobody waiting who is done, and ends with them', async () => {
    const program = `import { askStanding } from ${JSON.stringify(join(import.meta.dirname, '../../src/base/standing.ts'))}
const pid = await askStanding(${JSON.stringify(SCRIPT)}, 'pid', null)
process.on('exit', () => console.log(pid, process.kill(pid, 0)))`
    const script = join(folder, 'asks.ts')
    writeFileSync(script, program)
    const [pid, stillThere] = execFileSync(process.execPath, [script], { encoding: 'utf8' }).trim().split(' ')
    expect(stillThere).toBe('true') // who had waited for its end would have found it gone, and failed
    await expect.poll(() => alive(pid)).toBe(false)
  })
})
