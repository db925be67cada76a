// Which commit the project was at when a snapshot was taken, where it lies in a git repository.

import { dirname, join } from 'node:path'
import { output } from '../base/exec.ts'
import { exists } from '../base/files.ts'

export interface GitState {
  /** null when HEAD is detached. */
  readonly branch: string | null
  readonly commit: string
}

/** null when the folder is in no repository, the repository has no commit yet, or git cannot be asked: a note for people, no more. */
export async function gitState(folder: string): Promise<GitState | null> {
  if (!(await inRepository(folder))) return null
  try {
    // safe.directory: a checkout that belongs to another account is still only read.
    const args = ['-c', `safe.directory=*`, '-C', folder, 'log', '-1', '--format=%H%n%D']
    const [commit = '', names = ''] = (await output({ file: 'git', args: [...args, '--decorate=short'] })).split('\n')
    if (!/^[0-9a-f]{40,64}$/.test(commit)) return null
    return { commit, branch: /^HEAD -> ([^,]+)/.exec(names)?.[1] ?? null }
  } catch {
    return null
  }
}

async function inRepository(folder: string): Promise<boolean> {
  for (let place = folder; ; place = dirname(place)) {
    if (await exists(join(place, '.git'))) return true
    if (place === dirname(place)) return false
  }
}
