// A small disk that can be filled: a tmpfs, mounted for a trial and gone after it.

import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface SmallDisk {
  readonly place: string
  /** A folder beside it, on the large disk. */
  readonly beside: string
  close(): Promise<void>
}

export async function smallDisk(size: string): Promise<SmallDisk> {
  const outer = await mkdtemp(join(tmpdir(), 'hayai-disk-'))
  const [place, beside] = [join(outer, 'small'), join(outer, 'beside')]
  await mkdir(place)
  await mkdir(beside)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', place])
  return {
    place,
    beside,
    async close() {
      execFileSync('umount', [place])
      await rm(outer, { recursive: true, force: true })
    },
  }
}

export const mayMount = (() => {
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()
