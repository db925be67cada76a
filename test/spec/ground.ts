// A folder, and a shell in it in which `hayai` is the program under test.

import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { plainEnvironment, PROGRAM, run, type Outcome } from '../cli/terminal.ts'
import { pg } from '../trials/cast.ts'

export interface Ground {
  readonly root: string
  bash(script: string, env?: Readonly<Record<string, string>>): Promise<Outcome>
  /** What it prints; it must end well. */
  type(script: string, env?: Readonly<Record<string, string>>): Promise<string>
}

/** `always` is the environment of every line. */
export async function ground(always: Readonly<Record<string, string>> = {}): Promise<Ground> {
  const root = await mkdtemp(join(tmpdir(), 'hayai-spec-'))
  const programs = join(root, '.programs')
  await mkdir(programs)
  await writeFile(join(programs, 'hayai'), `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`)
  await chmod(join(programs, 'hayai'), 0o755)
  const path = [programs, dirname(pg('psql')), plainEnvironment()['PATH'] ?? ''].join(':')
  const bash = (script: string, env: Readonly<Record<string, string>> = {}): Promise<Outcome> =>
    run('bash', ['-eu', '-o', 'pipefail', '-c', script], { cwd: root, env: { ...always, ...env, PATH: path } })
  const type = async (script: string, env?: Readonly<Record<string, string>>): Promise<string> => {
    const { status, stdout, stderr } = await bash(script, env)
    if (status !== 0) throw new Error(`status ${status} of:\n${script}\n${stdout}\n${stderr}`)
    return stdout
  }
  return { root, bash, type }
}

/** With real names instead of those that stand for one. */
export function real(script: string, names: Readonly<Record<string, string>>): string {
  return Object.entries(names).reduce((text, [from, to]) => text.replaceAll(from, to), script)
}

/** How `.hayaidb` declares it, with the login that the specification uses. */
export function declared(name: string, engine: string, port: number, more = ''): string {
  const login =
    engine === 'redis'
      ? '      REDIS_PASSWORD: password\n'
      : '      POSTGRES_DB: database\n      POSTGRES_USER: admin\n      POSTGRES_PASSWORD: password\n'
  return `  ${name}:\n    engine: ${engine}\n    port: ${port}\n${more}    environment:\n${login}`
}
