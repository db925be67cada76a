// Parts that two programs write at a time are read in their order, whole, and none is waited for that cannot come.

import { createHash } from 'node:crypto'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { output } from '../../src/base/exec.ts'
import { makeFifo, type Fifo } from '../../src/base/fifo.ts'
import { inTurns, type Lane, type Turns } from '../../src/base/lanes.ts'
import type { Landing } from '../../src/base/landing.ts'

let folder = ''
let pipes: Fifo[] = []
const never = new AbortController().signal
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hayai-lanes-'))
  pipes = [await makeFifo(join(folder, '0')), await makeFifo(join(folder, '1'))]
})
afterEach(async () => {
  for (const fifo of pipes) await fifo.close()
  await rm(folder, { recursive: true })
})

/** Each part is a number of bytes, all of them the letter of its place. */
interface Part {
  readonly letter: string
  readonly size: number
  readonly pause?: number
  readonly exit?: number
}

const lanes = (): readonly Lane<Part>[] =>
  pipes.map((fifo, index) => ({
    fifo,
    write: async ({ letter, size, pause = 0, exit = 0 }) => {
      const script = `sleep ${pause}; head -c ${size} /dev/zero | tr '\\0' ${letter} > "$1"; exit ${exit}`
      await output({ file: 'sh', args: ['-c', script, 'sh', join(folder, String(index))] })
      return size
    },
  }))

async function partOf(turns: Turns, into?: Landing): Promise<{ readonly said: number; readonly digest: string }> {
  const hash = createHash('sha256')
  const bytes = turns.part(into)
  let next = await bytes.next()
  for (; next.done !== true; next = await bytes.next()) hash.update(next.value)
  return { said: next.value, digest: hash.digest('hex') }
}

const whole = ({ letter, size }: Part): Buffer => Buffer.alloc(size, letter)
const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

// More than a lane may be ahead, less, nothing, and one that comes late.
const parts: readonly Part[] = [9_000_001, 100, 20_000_000, 0, 1, 15_000_000, 3_000_000, 300_000, 0].map((size, index) => ({
  letter: String.fromCharCode(97 + index),
  size,
  pause: index === 4 ? 0.3 : 0,
}))

for (const landing of [true, false]) {
  test(`parts of all sizes come in their order${landing ? ', and so they lie in the file' : ''}`, async () => {
    const path = join(folder, 'file')
    await using file = await open(path, 'ax+')
    const turns = inTurns(parts, lanes(), never)
    for (const part of parts) {
      const read = await partOf(turns, landing ? { descriptor: file.fd } : undefined)
      expect(read).toEqual({ said: part.size, digest: digestOf(whole(part)) })
    }
    const expected = landing ? Buffer.concat(parts.map(whole)) : Buffer.alloc(0)
    expect(digestOf(await readFile(path))).toBe(digestOf(expected))
    turns.close()
  })
}

test('both write at a time: each waits here until the other has begun', async () => {
  const begun = Array.from({ length: 4 }, () => Promise.withResolvers<void>())
  const waiting = lanes().map(({ fifo, write }) => ({
    fifo,
    write: async (part: Part & { readonly place: number }) => {
      begun[part.place]?.resolve()
      await begun[part.place ^ 1]?.promise
      return write(part)
    },
  }))
  const turns = inTurns(
    parts.slice(0, 4).map((part, place) => ({ ...part, place })),
    waiting,
    never,
  )
  for (const part of parts.slice(0, 4)) expect((await partOf(turns)).said).toBe(part.size)
  turns.close()
})

test('a part whose writing fails is told in its turn, after those before it', async () => {
  const turns = inTurns(
    [
      { letter: 'a', size: 100 },
      { letter: 'x', size: 500_000, exit: 3 },
      { letter: 'b', size: 100 },
    ],
    lanes(),
    never,
  )
  expect((await partOf(turns)).said).toBe(100)
  await expect(partOf(turns)).rejects.toMatchObject({ code: 'TOOL_FAILED' })
  turns.close()
})

test('an abort ends the waiting for a part that does not come', async () => {
  const stopping = new AbortController()
  const turns = inTurns([{ letter: 'a', size: 1, pause: 1.5 }], lanes(), stopping.signal)
  setTimeout(() => stopping.abort(new Error('enough')), 100)
  await expect(partOf(turns)).rejects.toThrow('enough')
  turns.close()
})

test('closed half-way, nothing of it fails unheard', async () => {
  const turns = inTurns(parts, lanes(), never)
  const bytes = turns.part(undefined)
  await bytes.next()
  await bytes.return(0)
  turns.close()
  for (const fifo of pipes) await fifo.close()
  await new Promise((resolve) => setTimeout(resolve, 300)) // a rejection that nobody hears would fail this test
})
