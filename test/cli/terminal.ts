// Runs the program as a shell does, and gives back everything that came out of it.

import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { bundled } from '../programs.ts'

export const PROGRAM = bundled('test/cli/hayai.ts')

export interface Outcome {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Settings {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/** No colour, no terminal, and nothing of this machine's own settings. */
export async function hayai(args: readonly string[], settings: Settings = {}): Promise<Outcome> {
  return run(process.execPath, [PROGRAM, ...args], settings)
}

export async function run(file: string, args: readonly string[], { cwd = tmpdir(), env = {} }: Settings = {}): Promise<Outcome> {
  const child = spawn(file, args, { cwd, env: { ...plainEnvironment(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<readonly [number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status, signal) => resolve([status, signal]))
  })
  const [stdout, stderr, [status, signal]] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { status, signal, stdout, stderr }
}

export function plainEnvironment(): Record<string, string> {
  const { PATH = '', HOME = '' } = process.env
  return { PATH, HOME, LC_ALL: 'C.UTF-8', TERM: 'xterm' }
}

export async function emptyFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'hayai-cli-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}
