// Processes of this machine, told apart by number *and* start: a number alone is given away again.

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemCode } from './errors.ts'

export interface ProcessId {
  readonly pid: number
  /** When it started, as the system tells it; opaque, and different after a reboot. */
  readonly started: string
}

/** The process that has this number now; undefined when there is none (one that only waits to be reaped is gone). */
export function identify(pid: number): ProcessId | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined
  const started = process.platform === 'linux' ? startOnLinux(pid) : startByPs(pid)
  return started === undefined ? undefined : { pid, started }
}

export function isAlive(id: ProcessId): boolean {
  return identify(id.pid)?.started === id.started
}

export function self(): ProcessId {
  own ??= identify(process.pid)
  if (own === undefined) throw new Error('this process cannot be found by its own number')
  return own
}
let own: ProcessId | undefined

/** Sends a signal and waits up to `patience` milliseconds. True once the process is gone, also when it was gone before. */
export async function end(id: ProcessId, signal: NodeJS.Signals, patience: number): Promise<boolean> {
  const deadline = Date.now() + patience
  if (!isAlive(id)) return true
  try {
    process.kill(id.pid, signal)
  } catch (error) {
    if (systemCode(error) === 'ESRCH') return true
    throw error
  }
  for (let pause = 5; Date.now() < deadline; pause = Math.min(pause * 2, 100)) {
    if (!isAlive(id)) return true
    await sleep(pause)
  }
  return !isAlive(id)
}

function startOnLinux(pid: number): string | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined // no such process, or it ended between open and read: proc(5)
  }
  // The name in parentheses may hold anything; state is the first field behind it, the number of threads the eighteenth, starttime
  // the twentieth (proc(5): 3, 20 and 22). One whose first thread has ended is not gone before all have: it still holds its port.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (fields[0] === 'X' || (fields[0] === 'Z' && Number(fields[17]) <= 1)) return undefined
  return `${bootId()}:${fields[19] ?? ''}`
}

function bootId(): string {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8)
  return boot
}
let boot: string | undefined

function startByPs(pid: number): string | undefined {
  try {
    const printed = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
    })
    const [state = '', ...started] = printed.trim().split(/\s+/)
    return state.startsWith('Z') || started.length === 0 ? undefined : started.join(' ')
  } catch {
    return undefined // ps exits 1 when there is no such process
  }
}
