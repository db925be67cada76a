// A named pipe brings all that was written, ends when its writer is through, and keeps nobody waiting who has lost the other end.

import { createHash } from 'node:crypto'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { drain } from '../../src/base/bytes.ts'
import { output } from '../../src/base/exec.ts'
import { BLOCK, makeFifo, removeFifo, type Fifo } from '../../src/base/fifo.ts'

let folder = ''
let pipe = ''
let fifo: Fifo
const never = new AbortController().signal
const block = (): Buffer => Buffer.allocUnsafeSlow(BLOCK)
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hayai-fifo-'))
  pipe = join(folder, "a pipe's name")
  fifo = await makeFifo(pipe)
})
afterEach(async () => {
  await fifo.close()
  await rm(folder, { recursive: true })
})

const sh = (script: string): Promise<string> => output({ file: 'sh', args: ['-c', script, 'sh', pipe] })

test("is nobody else's, and is gone when it is removed, also twice", async () => {
  expect((await stat(pipe)).isFIFO()).toBe(true)
  expect((await stat(pipe)).mode & 0o777).toBe(0o600)
  await fifo.close()
  await fifo.close()
  await expect(stat(pipe)).rejects.toThrow('ENOENT')
})

test('30 MB in uneven pieces and with pauses arrive whole', async () => {
  const program =
    'for i in $(seq 300); do head -c $((i * 661)) /dev/zero | tr "\\0" "$(printf %b "\\\\$(printf %o $((33 + i % 90)))")"; [ $((i % 100)) -ne 0 ] || sleep 0.3; done'
  const reading = fifo.through(() => sh(`exec > "$1"; ${program}; echo done >&2`).then(() => 'through'), { signal: never, block })
  const hash = createHash('sha256')
  let bytes = 0
  let next = await reading.next()
  for (; next.done !== true; next = await reading.next()) {
    hash.update(next.value)
    bytes += next.value.length
  }
  expect(next.value).toBe('through')
  expect(bytes).toBe((661 * 300 * 301) / 2)
  expect(await output({ file: 'sh', args: ['-c', `{ ${program}; } | sha256sum`] })).toBe(`${hash.digest('hex')}  -`)
})

test('a writer may come late, open it again, or never', async () => {
  const late = fifo.through(() => sh('sleep 0.2; echo one > "$1"; sleep 0.1; echo two > "$1"'), { signal: never, block })
  const seen: string[] = []
  for await (const piece of late) seen.push(Buffer.from(piece).toString())
  expect(seen.join('')).toBe('one\ntwo\n')
  await drain(fifo.through(() => Promise.resolve(), { signal: never, block }))
})

test('the failure of the writer is told, after what it wrote', async () => {
  const seen: string[] = []
  const failing = async (): Promise<void> => {
    for await (const piece of fifo.through(() => sh('echo half > "$1"; exit 3'), { signal: never, block }))
      seen.push(Buffer.from(piece).toString())
  }
  await expect(failing()).rejects.toMatchObject({ code: 'TOOL_FAILED' })
  expect(seen).toEqual(['half\n'])
})

test('an abort ends it while nothing comes, and a writer that goes on fails', async () => {
  const stopping = new AbortController()
  const writing = sh('exec > "$1"; sleep 0.5; while echo more; do sleep 0.01; done 2>/dev/null; exit 7').catch((error: unknown) => error)
  const reading = drain(fifo.through(() => writing, { signal: stopping.signal, block }))
  setTimeout(() => stopping.abort(new Error('enough')), 100)
  await expect(reading).rejects.toThrow('enough')
  await fifo.close()
  expect(await writing).toMatchObject({ code: 'TOOL_FAILED' })
})

test('who waits for a reader that died is let go by its removal', async () => {
  const left = join(folder, 'left')
  await output({ file: 'mkfifo', args: [left] })
  const waiting = output({ file: 'sh', args: ['-c', 'echo lost > "$1"; echo over', 'sh', left] })
  const settled = waiting.catch(() => 'over') // its word went into the pipe, or failed
  await new Promise((resolve) => setTimeout(resolve, 200))
  await removeFifo(left)
  expect(await settled).toBe('over')
  await removeFifo(left) // not there any more
})

test('a little at once', async () => {
  expect(await fifo.little(async () => void (await sh('echo here > "$1"')))).toBe('here\n')
  await expect(fifo.little(() => Promise.reject(new Error('may not')))).rejects.toThrow('may not')
})
