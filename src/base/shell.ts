// A command line of a person's own, given to /bin/sh: with a time limit after which all of it is ended, and its output kept to the end
// of it. It may leave a program behind in the background, which is not waited for.

import { spawn } from 'node:child_process'
import { messageOf, systemCode } from './errors.ts'
import { end, identify } from './processes.ts'

export interface ShellCommand {
  readonly line: string
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** Milliseconds. */
  readonly timeout: number
  readonly signal: AbortSignal
  /** Each piece of output as it comes. */
  readonly onOutput?: (piece: Uint8Array) => void
}

export interface ShellOutcome {
  /** null when a signal ended it, or it could not be started. */
  readonly exit: number | null
  /** `timeout`: it was ended because it took too long. `interrupted`: because the signal came. `lost`: it could not be started. */
  readonly how: 'exited' | 'killed' | 'timeout' | 'interrupted' | 'lost'
  /** The last of what it printed, both streams as they came. */
  readonly output: string
  readonly seconds: number
}

const KEPT = 8 * 1024
/** How long output may still come from what the shell left behind. */
const AFTERWARDS = 200
/** How long it may take to end when it is asked to. */
const PATIENCE = 3000

export async function runShell({ line, cwd, env, timeout, signal, onOutput }: ShellCommand): Promise<ShellOutcome> {
  const started = performance.now()
  let kept = Buffer.alloc(0)
  // In a group of its own, so that what it starts is ended with it.
  const child = spawn('/bin/sh', ['-c', line], { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const take = (piece: Buffer): void => {
    kept = Buffer.concat([kept, piece]).subarray(-KEPT)
    onOutput?.(piece)
  }
  child.stdout.on('data', take)
  child.stderr.on('data', take)
  let how: ShellOutcome['how'] | undefined
  const stop = (why: ShellOutcome['how']): void => {
    how ??= why
    if (child.pid !== undefined) void endGroup(child.pid)
  }
  const timer = setTimeout(() => stop('timeout'), timeout)
  const onAbort = (): void => stop('interrupted')
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    const exit = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', resolve)
    })
    await new Promise<void>((resolve) => {
      const last = setTimeout(resolve, AFTERWARDS)
      child.once('close', () => {
        clearTimeout(last)
        resolve()
      })
    })
    return outcome(exit, how ?? (exit === null ? 'killed' : 'exited'))
  } catch (error) {
    kept = Buffer.from(messageOf(error))
    return outcome(null, 'lost')
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    child.stdout.destroy()
    child.stderr.destroy()
  }

  function outcome(exit: number | null, what: ShellOutcome['how']): ShellOutcome {
    return { exit, how: what, output: kept.toString('utf8').trim(), seconds: (performance.now() - started) / 1000 }
  }
}

/** Asks all of the group to end, and does not ask twice. */
async function endGroup(leader: number): Promise<void> {
  const id = identify(leader)
  signalGroup(leader, 'SIGTERM')
  if (id !== undefined) await end(id, 'SIGTERM', PATIENCE)
  signalGroup(leader, 'SIGKILL')
}

function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal)
  } catch (error) {
    if (systemCode(error) !== 'ESRCH') throw error
  }
}
