// Where the tests put what they throw away: into memory where there is plenty, for a disk makes everybody wait for each data folder.
// What proves something about files themselves stays on the disk, and so does one journey through all of every engine and each of
// its formats. So does Docker: Hayai refuses to switch what it finds in memory there.

import { readFileSync, statfsSync } from 'node:fs'
import { expect } from 'vitest'

const ON_DISK = /\/test\/(?:base|stores|snapshots)\/|\/test\/runtimes\/embedded\.test|\/test\/trials\/journey\.test/
const MEMORY = '/dev/shm'
const ENOUGH = 6 * 1024 ** 3

if (!ON_DISK.test(expect.getState().testPath ?? '') && hasMemory()) process.env['TMPDIR'] = MEMORY

/** Programs must be able to run from there, too: they are made in some trials. */
function hasMemory(): boolean {
  if (process.platform !== 'linux') return false
  const mounted = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
  const options = mounted.find(([, place, kind]) => place === MEMORY && kind === 'tmpfs')?.[3]?.split(',')
  if (options === undefined || options.includes('noexec') || options.includes('ro')) return false
  const { bavail, bsize } = statfsSync(MEMORY)
  return bavail * bsize > ENOUGH && available() > ENOUGH
}

/** What the machine can give without pushing anything out. */
function available(): number {
  return Number(/^MemAvailable: +(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0) * 1024
}
