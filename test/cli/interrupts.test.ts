// Ctrl-C: once to stop and clear up, twice to leave.

import { spawn } from 'node:child_process'
import { expect, it } from 'vitest'
import { bundled } from '../programs.ts'

async function interrupt(
  signals: readonly NodeJS.Signals[],
  pause: number,
): Promise<{ status: number | null; said: string; took: number }> {
  const child = spawn(process.execPath, [bundled('test/cli/interrupted.ts')], { stdio: ['ignore', 'pipe', 'inherit'] })
  const left = [...signals]
  let said = ''
  let began = 0
  const send = () => {
    const next = left.shift()
    if (next !== undefined) child.kill(next)
    if (left.length > 0) setTimeout(send, pause)
  }
  child.stdout.setEncoding('utf8')
  child.stdout.on('data', (text: string) => {
    if (said === '') {
      began = performance.now()
      send()
    }
    said += text
  })
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, said, took: performance.now() - began })))
}

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)('%s lets the work clear up, and the status is %d', async (signal, status) => {
  const outcome = await interrupt([signal], 0)
  expect(outcome).toMatchObject({ status, said: 'ready told cleared' })
})

it('the second one leaves at once', async () => {
  const outcome = await interrupt(['SIGINT', 'SIGINT'], 100)
  expect(outcome).toMatchObject({ status: 130, said: 'ready told ' })
})
