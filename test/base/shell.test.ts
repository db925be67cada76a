// A command line of a person's own: its output, its end, and that nothing of it is left when it takes too long.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { isAlive, identify } from '../../src/base/processes.ts'
import { runShell, type ShellCommand } from '../../src/base/shell.ts'
import { freshFolder } from '../project/folder.ts'

async function command(line: string, more: Partial<ShellCommand> = {}): Promise<ShellCommand> {
  const env = { PATH: process.env['PATH'] ?? '', FACT: 'a "b" $c' }
  return { line, cwd: await freshFolder(), env, timeout: 20_000, signal: new AbortController().signal, ...more }
}

it('gives the environment, and keeps what both streams say', async () => {
  expect(await runShell(await command('printf "%s|" "$FACT"; pwd; echo oops >&2; exit 3'))).toMatchObject({
    exit: 3,
    how: 'exited',
    output: expect.stringMatching(/^a "b" \$c\|\/.*\noops$/) as string,
  })
  expect(await runShell(await command('kill -9 $$'))).toMatchObject({ exit: null, how: 'killed' })
  expect(await runShell(await command('true', { cwd: '/nowhere' }))).toMatchObject({ exit: null, how: 'lost' })
  const { output } = await runShell(await command('i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i+1)); done'))
  expect(output.length).toBeLessThanOrEqual(8192)
  expect(output).toMatch(/line 2999$/)
})

it('ends all of it when it takes too long, also what does not want to end, or is told to stop', async () => {
  for (const how of ['timeout', 'interrupted'] as const) {
    const controller = new AbortController()
    const hung = await command("trap '' TERM; (trap '' TERM; echo $$; echo here > child; sleep 60 & echo $! > pid; wait) & wait; wait", {
      ...(how === 'timeout' ? { timeout: 1500 } : {}),
      signal: controller.signal,
    })
    const running = runShell(hung)
    const file = join(hung.cwd, 'pid')
    while (!existsSync(file) || readFileSync(file, 'utf8').trim() === '') await sleep(20)
    const child = identify(Number(readFileSync(file, 'utf8')))
    if (how === 'interrupted') controller.abort()
    expect(await running).toMatchObject({ exit: null, how })
    await expect.poll(() => child === undefined || isAlive(child)).toBe(false)
  }
}, 40_000)

it('does not wait for what is left behind in the background', async () => {
  const { how, seconds } = await runShell(await command('sleep 5 & echo done'))
  expect(how).toBe('exited')
  expect(seconds).toBeLessThan(5)
})
