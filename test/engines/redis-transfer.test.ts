// A transfer that comes in the most awkward pieces, is cut at any place, or is no transfer at all: from a server of our own making,
// because a real one sends as it likes.

import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { open } from '../../src/engines/redis/session.ts'
import { transfer } from '../../src/engines/redis/transfer.ts'
import { collect } from './redis-server.ts'

const MARK = 'abcdefghij'.repeat(4)
const CONTENT = Buffer.from(Array.from({ length: 500 }, (_, n) => (n * 7) & 255))
const FULL = '+FULLRESYNC 0 0\r\n'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** Says yes to everything, and `parts` to the question for the data, in pieces of so many bytes; then hangs up. */
async function received(parts: readonly (string | Buffer)[], size: number): Promise<Buffer> {
  const all = Buffer.concat(parts.map((part) => Buffer.from(part as string)))
  const say = async (socket: Socket): Promise<void> => {
    for (let at = 0; at < all.length; at += size) {
      if (!socket.write(all.subarray(at, at + size))) await once(socket, 'drain')
      await turn()
    }
    socket.end()
  }
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {}) // it may be left in the middle
    socket.on('data', (asked: Buffer) => {
      if (asked.includes('PSYNC')) void say(socket)
      else socket.write('+OK\r\n')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const session = await open({ host: '127.0.0.1', port: address.port, user: '', password: new Secret('x'), database: '' })
  try {
    return await collect((await transfer(session)).bytes)
  } finally {
    session.wire.close()
  }
}

it.each([1, 2, 39, 40, 41, 79, 80, 81, 10_000])(
  'is the same in pieces of %i bytes, with a mark at its end and with a size before it',
  async (size) => {
    expect(await received(['\n\n', FULL, '\n', `$EOF:${MARK}\r\n`, CONTENT, MARK], size)).toEqual(CONTENT)
    expect(await received([FULL, '\n\n', `$${CONTENT.length}\r\n`, CONTENT, 'what follows'], size)).toEqual(CONTENT)
  },
)

it('may be empty, or shorter than the mark', async () => {
  for (const content of [Buffer.alloc(0), CONTENT.subarray(0, 7)]) {
    for (const size of [1, 1000]) expect(await received([FULL, `$EOF:${MARK}\r\n`, content, MARK], size)).toEqual(content)
  }
})

it('that is cut anywhere is an error', async () => {
  const whole = Buffer.concat([Buffer.from(`${FULL}$EOF:${MARK}\r\n`), CONTENT, Buffer.from(MARK)])
  for (const length of [3, 20, FULL.length, 30, 80, 100, 500, whole.length - 40, whole.length - 1]) {
    await expect(received([whole.subarray(0, length)], 64), `after ${length} bytes`).rejects.toMatchObject({ code: 'TOOL_FAILED' })
  }
  await expect(received([FULL, '$600\r\n', CONTENT], 64)).rejects.toMatchObject({ code: 'TOOL_FAILED' })
})

it('that is refused, or is none, is an error with the words of the server', async () => {
  await expect(received(["\n\n-ERR BGSAVE failed, replication can't continue\r\n"], 5)).rejects.toThrow('BGSAVE failed')
  await expect(received([FULL, '-ERR no memory to fork\r\n'], 5)).rejects.toThrow('no memory')
  await expect(received(['-LOADING Redis is loading the dataset in memory\r\n'], 5)).rejects.toMatchObject({ code: 'WRONG_STATE' })
  await expect(received(['+CONTINUE\r\n'], 5)).rejects.toMatchObject({ code: 'TOOL_FAILED' })
})
