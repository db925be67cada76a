// A throw-away project to measure in, and ways to run programs there with a clock and an eye on memory.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Run {
  readonly seconds: number
  readonly stdout: string
  /** Highest resident memory of the program and of its children that run on Node, in MiB. Linux only, else 0. */
  readonly peak: number
}

export interface Stage {
  readonly folder: string
  /** Runs Hayai with `--json` and gives `data` of its answer. */
  hayai<T>(...args: readonly string[]): Promise<Run & { readonly data: T }>
  /** Runs Hayai as it is. */
  plain(...args: readonly string[]): Promise<Run>
  close(): Promise<void>
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Where stdout goes; kept in memory when not given. */
  readonly into?: string
}

const CHECKOUT = join(import.meta.dirname, '..')

export function stage(): Stage {
  const { bin } = JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8')) as { bin: { hayai: string } }
  const program = join(CHECKOUT, bin.hayai)
  const folder = mkdtempSync(join(tmpdir(), 'hayai-bench-'))
  const plain = (...args: readonly string[]) => timed(process.execPath, [program, ...args], { cwd: folder })
  return {
    folder,
    plain,
    async hayai<T>(...args: readonly string[]) {
      const run = await plain(...args, '--json')
      return { ...run, data: (JSON.parse(run.stdout) as { data: T }).data }
    },
    async close() {
      try {
        await plain('stop')
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
  }
}

/** Runs a program to its end; throws when it fails. */
export async function timed(file: string, args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const sink = options.into === undefined ? undefined : await open(options.into, 'w')
  try {
    const began = performance.now()
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', sink?.fd ?? 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-2_000)))
    let peak = 0
    const watch = setInterval(() => (peak = Math.max(peak, residentPeak(child.pid))), 50)
    const status = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve)).finally(() =>
      clearInterval(watch),
    )
    const seconds = (performance.now() - began) / 1000
    if (status !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${status}: ${stderr || stdout}`)
    return { seconds, stdout, peak }
  } finally {
    await sink?.close()
  }
}

function residentPeak(pid: number | undefined): number {
  if (pid === undefined || process.platform !== 'linux') return 0
  return familyOf(pid)
    .map((each) => Number(/VmHWM:\s+(\d+) kB/.exec(readProc(each, 'status'))?.[1] ?? 0) / 1024)
    .reduce((sum, each) => sum + each, 0)
}

/** The process and those below it that run on the same Node. */
function familyOf(pid: number): readonly number[] {
  if (executableOf(pid) !== process.execPath) return []
  const children = tasksOf(pid).flatMap((task) => readProc(pid, `task/${task}/children`).split(' ').filter(Boolean).map(Number))
  return [pid, ...children.flatMap(familyOf)]
}

function tasksOf(pid: number): readonly string[] {
  return unlessGone(() => readdirSync(`/proc/${pid}/task`), [])
}

function executableOf(pid: number): string {
  return unlessGone(() => readlinkSync(`/proc/${pid}/exe`), '')
}

function readProc(pid: number, file: string): string {
  return unlessGone(() => readFileSync(`/proc/${pid}/${file}`, 'utf8'), '')
}

// Between two looks a process may end; then there is nothing more to learn of it.
function unlessGone<T>(look: () => T, otherwise: T): T {
  try {
    return look()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES') return otherwise
    throw error
  }
}
