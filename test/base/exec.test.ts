// The wrapper of spawn, tried on real programs that misbehave in every way we know.

import { describe, expect, it } from 'vitest'
import { drain, once, text, type Bytes } from '../../src/base/bytes.ts'
import { output, run, environment } from '../../src/base/exec.ts'
import { identify } from '../../src/base/processes.ts'
import { Secret } from '../../src/base/secret.ts'

const sh = (script: string, more: object = {}) => ({ file: 'sh', args: ['-c', script], ...more })

async function* zeros(bytes: number): Bytes {
  const chunk = new Uint8Array(64 * 1024)
  for (let sent = 0; sent < bytes; sent += chunk.byteLength) yield chunk
}

const alive = (pid: number): boolean => identify(pid) !== undefined

describe('run', () => {
  it('gives the output of a program that succeeds', async () => {
    expect(await output(sh('printf hello'))).toBe('hello')
  })

  it('carries bytes through a program and back, unharmed', async () => {
    let received = 0
    for await (const chunk of run({ file: 'cat', args: [] }, zeros(32 * 1024 * 1024))) received += chunk.byteLength
    expect(received).toBe(32 * 1024 * 1024)
  })

  it('throws when the program fails after half of its output', async () => {
    const seen: string[] = []
    const reading = (async () => {
      for await (const chunk of run(sh('echo half; echo "the disk is gone" >&2; exit 3'))) seen.push(String(Buffer.from(chunk)))
    })()
    await expect(reading).rejects.toMatchObject({ code: 'TOOL_FAILED', message: expect.stringContaining('the disk is gone') as string })
    expect(seen.join('')).toBe('half\n')
  })

  it('drains 400 KB of stderr, and keeps its end', async () => {
    const script =
      'i=0; while [ $i -lt 8000 ]; do echo "warning number $i xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" >&2; i=$((i+1)); done; echo done'
    expect(await output(sh(script))).toBe('done')
    await expect(output(sh(`${script}; exit 1`))).rejects.toThrow('warning number 7999')
  })

  it('takes a program killed by a signal for a failure', async () => {
    await expect(output(sh('kill -9 $$'))).rejects.toMatchObject({
      code: 'TOOL_FAILED',
      message: expect.stringContaining('SIGKILL') as string,
    })
  })

  it('takes a program that stops reading its input for a failure, though it exits 0', async () => {
    await expect(drain(run(sh('head -c 10 >/dev/null'), zeros(8 * 1024 * 1024)))).rejects.toMatchObject({ code: 'TOOL_FAILED' })
    await drain(run(sh('head -c 10 >/dev/null', { closedStdinIsFine: true }), zeros(8 * 1024 * 1024)))
  })

  it('is not held up by a silent source when the program is gone', async () => {
    async function* silent(): Bytes {
      yield* once('begin')
      await new Promise<never>(() => {})
    }
    await expect(output(sh('kill -9 $$'), silent())).rejects.toMatchObject({ code: 'TOOL_FAILED' })
  })

  it('ends the program and throws the source’s own error when the source breaks', async () => {
    async function* broken(): Bytes {
      yield* once('begin')
      throw new Error('the source broke')
    }
    await expect(text(run({ file: 'cat', args: [] }, broken()))).rejects.toThrow('the source broke')
  })

  it('ends a hanging program and its children when the signal says so', async () => {
    const abort = new AbortController()
    const pids: number[] = []
    const reading = (async () => {
      for await (const chunk of run(sh('sleep 1000 & echo $$ $!; wait', { signal: abort.signal }))) {
        pids.push(...String(Buffer.from(chunk)).trim().split(' ').map(Number))
        abort.abort(new Error('enough'))
      }
    })()
    await expect(reading).rejects.toThrow('enough')
    expect(pids).toHaveLength(2)
    await expect.poll(() => pids.map(alive)).toEqual([false, false]) // the system takes a moment to end what it was told to end
  })

  it('ends the program when nobody reads on', async () => {
    let pid = 0
    for await (const chunk of run(sh('echo $$; exec cat /dev/zero'))) {
      pid = Number(String(Buffer.from(chunk)).split('\n')[0])
      break
    }
    expect(pid).toBeGreaterThan(0)
    expect(alive(pid)).toBe(false)
  })

  it('says which program is missing', async () => {
    await expect(output({ file: 'no-such-program-here', args: [] })).rejects.toMatchObject({ code: 'ENVIRONMENT' })
  })

  it('hands on a small environment, and secrets only to the child', async () => {
    process.env['PGOPTIONS'] = '-c something'
    try {
      const env = { PGPASSWORD: new Secret('hush') }
      expect(await output(sh('echo "$PGPASSWORD,$PGOPTIONS"', { env }))).toBe('hush,')
      expect(JSON.stringify(env)).not.toContain('hush')
      expect(environment()).not.toHaveProperty('PGOPTIONS')
    } finally {
      delete process.env['PGOPTIONS']
    }
  })
})
