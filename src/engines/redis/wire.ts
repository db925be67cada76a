// A connection to a server that speaks the Redis protocol: words go out, lines and bytes come back in the order they were sent.

import { createConnection, type Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { HayaiError, isCode, messageOf } from '../../base/errors.ts'
import type { Endpoint } from '../engine.ts'

/** A connection that does not begin is told by whoever reads it first. */
async function secured(options: ConnectionOptions): Promise<Socket> {
  const { connect: begin } = await import('node:tls')
  return begin(options).setNoDelay(true)
}

export interface Wire {
  send(...words: readonly (string | Uint8Array)[]): void
  /** Without its end. */
  line(): Promise<string>
  exactly(size: number): Promise<Buffer>
  /** Whatever comes next; undefined when nothing comes any more. */
  some(): Promise<Buffer | undefined>
  close(): void
}

/** Ends with its signal. What goes wrong is TOOL_FAILED, and names the server. */
export async function connect(endpoint: Endpoint, signal?: AbortSignal): Promise<Wire> {
  signal?.throwIfAborted()
  const { host, port, tls } = endpoint
  const socket = tls === undefined ? createConnection({ host, port, noDelay: true }) : await secured({ host, port, ca: tls.authority })
  socket.on('error', () => {}) // whoever reads next hears of it
  const onAbort = (): void => void socket.destroy()
  signal?.addEventListener('abort', onAbort, { once: true })
  const source = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  let rest = Buffer.alloc(0)

  function explained(error: unknown): unknown {
    signal?.throwIfAborted()
    if (isCode(error, 'TOOL_FAILED')) return error
    return new HayaiError('TOOL_FAILED', `the server at ${endpoint.host}:${endpoint.port} does not answer: ${messageOf(error)}`, {
      hint: 'Look at `hayai list`, and at the server with `hayai logs <name>`.',
      cause: error,
    })
  }

  async function some(): Promise<Buffer | undefined> {
    if (rest.length > 0) {
      const all = rest
      rest = Buffer.alloc(0)
      return all
    }
    try {
      const next = await source.next()
      signal?.throwIfAborted()
      return next.done === true ? undefined : next.value
    } catch (error) {
      throw explained(error)
    }
  }

  async function more(): Promise<void> {
    const before = rest
    rest = Buffer.alloc(0)
    const next = await some()
    if (next === undefined) {
      throw new HayaiError('TOOL_FAILED', `the server at ${endpoint.host}:${endpoint.port} ended the connection`, {
        hint: 'Look at the server with `hayai logs <name>`.',
      })
    }
    rest = Buffer.concat([before, next])
  }

  async function exactly(size: number): Promise<Buffer> {
    while (rest.length < size) await more()
    const result = rest.subarray(0, size)
    rest = rest.subarray(size)
    return result
  }

  return {
    send(...words) {
      const parts = words.flatMap((word) => [`$${Buffer.byteLength(word)}\r\n`, word, '\r\n'])
      const pieces = [`*${words.length}\r\n`, ...parts].map((part) => (typeof part === 'string' ? Buffer.from(part) : part))
      socket.write(Buffer.concat(pieces))
    },
    async line() {
      let end = rest.indexOf('\n')
      for (; end === -1; end = rest.indexOf('\n')) await more()
      const line = await exactly(end + 1)
      return line.toString('utf8').replace(/\r?\n$/, '')
    },
    exactly,
    some,
    close() {
      signal?.removeEventListener('abort', onAbort)
      socket.destroy()
    },
  }
}
