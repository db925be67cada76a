// A stage for trials: a throw-away project on real disk with real servers, and everything gone at the end.

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openProject, type Project } from '../../src/index.ts'
import { clearProject } from '../runtimes/compose/docker.ts'
import { end, identify } from '../../src/base/processes.ts'

export interface Stage {
  readonly root: string
  readonly project: Project
  /** Another handle on the same project, as another command would have. */
  reopen(): Promise<Project>
  close(): Promise<void>
}

export async function stage(prefix = 'hayai-trial-'): Promise<Stage> {
  return stageIn(await mkdtemp(join(tmpdir(), prefix)))
}

export async function stageIn(root: string): Promise<Stage> {
  const open = (): Promise<Project> => openProject({ cwd: root, create: true })
  return {
    root,
    project: await open(),
    reopen: open,
    async close() {
      clearDocker(root)
      await endServersBelow(root)
      await rm(root, { recursive: true, force: true })
    },
  }
}

/** Ends every server whose open files lie below the folder: by its own number, after a look at what it holds. */
export async function endServersBelow(root: string): Promise<void> {
  for (const pid of await serversBelow(root)) {
    const id = identify(pid)
    if (id !== undefined) await end(id, 'SIGQUIT', 10_000)
  }
}

/** Server processes: those that have a folder below `root` as their working folder, but for the ones they started themselves. */
export async function serversBelow(root: string): Promise<readonly number[]> {
  const parents = new Map<number, number>()
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    try {
      const cwd = await readlink(`/proc/${pid}/cwd`)
      const parent = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ')[1]
      if (cwd.startsWith(`${root}/`)) parents.set(Number(pid), Number(parent))
    } catch {
      // it ended while it was being looked at
    }
  }
  return [...parents].filter(([, parent]) => !parents.has(parent)).map(([pid]) => pid)
}

/** The project's containers that run. */
export function containersOf(root: string): readonly string[] {
  const mark = markOf(root)
  if (mark === undefined) return []
  return sh('docker', ['ps', '--filter', `label=org.hayai.project=${mark}`, '--format', '{{.Names}}'])
    .split('\n')
    .filter((name) => name !== '')
}

/** Servers of any kind. */
export async function serversOf(root: string): Promise<readonly (number | string)[]> {
  return [...(await serversBelow(root)), ...containersOf(root)]
}

function markOf(root: string): string | undefined {
  const file = join(root, '.hayai', 'compose', 'project.json')
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { mark: string }).mark : undefined
}

function clearDocker(root: string): void {
  const mark = markOf(root)
  if (mark !== undefined) clearProject(mark)
}

/** Runs a program of the trial and gives what it prints; throws when it fails. */
export function sh(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}, input?: string): string {
  return execFileSync(file, args, {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    maxBuffer: 512 * 1024 * 1024,
    ...(input === undefined ? {} : { input }),
    stdio: ['pipe', 'pipe', 'pipe'],
  })
}
