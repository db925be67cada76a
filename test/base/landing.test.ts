// A file that a program writes into by itself: the bytes are those of the pipe, and so are the failures.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readFile, rm, stat, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { once as bytesOf, text } from '../../src/base/bytes.ts'
import { run } from '../../src/base/exec.ts'
import { landed, type Landing } from '../../src/base/landing.ts'
import { identify } from '../../src/base/processes.ts'

let folder = ''
let file: FileHandle
let into: Landing
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hayai-landing-'))
  file = await open(join(folder, 'file'), 'ax+')
  into = { descriptor: file.fd }
})
afterEach(async () => {
  await file.close()
  await rm(folder, { recursive: true })
})

const content = (): Promise<string> => readFile(join(folder, 'file'), 'utf8')
const sh = (script: string) => ({ file: 'sh', args: ['-c', script], into })

it('holds what is yielded, in its order, whoever wrote it', async () => {
  const seen = [
    await text(landed(bytesOf('head\n'), into)),
    await text(run(sh('i=0; while [ $i -lt 30000 ]; do echo "row number $i"; i=$((i+1)); done; sleep 0.05; echo late'))),
    await text(landed(bytesOf('end\n'), into)),
  ]
  expect(seen[0]).toBe('head\n')
  expect(seen[1]).toMatch(/^row number 0\n[^]*\nrow number 29999\nlate\n$/)
  expect(await content()).toBe(seen.join(''))
})

it('throws when the program fails after half of its output', async () => {
  await expect(text(run(sh('echo half; echo "the disk is gone" >&2; exit 3')))).rejects.toMatchObject({
    code: 'TOOL_FAILED',
    message: expect.stringContaining('the disk is gone') as string,
  })
  expect(await content()).toBe('half\n')
})

it('ends a program whose reader has lost interest, and one that was aborted', async () => {
  const pids: number[] = []
  for await (const chunk of run(sh('echo $$; while :; do echo more; sleep 0.01; done'))) {
    pids.push(Number.parseInt(Buffer.from(chunk).toString(), 10))
    break
  }
  const stopping = new AbortController()
  const reading = (async () => {
    for await (const chunk of run({ ...sh('echo $$; sleep 600'), signal: stopping.signal })) {
      pids.push(Number.parseInt(Buffer.from(chunk).toString(), 10))
      stopping.abort(new Error('enough'))
    }
  })()
  await expect(reading).rejects.toThrow('enough')
  expect(pids.map((pid) => identify(pid))).toEqual([undefined, undefined])
})

it.runIf(process.platform === 'linux')(
  'does not outlive us: a program that writes on its own ends when this process is killed',
  async () => {
    const source = (name: string): string => JSON.stringify(new URL(`../../src/base/${name}`, import.meta.url).href)
    const script = `
    import { open } from 'node:fs/promises'
    const { run } = await import(${source('exec.ts')})
    const file = await open(${JSON.stringify(join(folder, 'other'))}, 'wx+')
    for await (const _ of run({ file: 'sh', args: ['-c', 'echo $$ >&3; while :; do echo more; done'], into: { descriptor: file.fd }, descriptors: [1] }));`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [chunk] = (await once(child.stdout, 'data')) as [Buffer]
    const writer = Number.parseInt(chunk.toString(), 10)
    expect(identify(writer)).toBeDefined()
    child.kill('SIGKILL')
    await once(child, 'exit')
    while (identify(writer) !== undefined) await sleep(10)
    const { size } = await stat(join(folder, 'other'))
    await sleep(50)
    expect((await stat(join(folder, 'other'))).size).toBe(size)
  },
)
