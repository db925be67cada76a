// A folder in memory, where there is plenty: for what tests and their Docker make and throw away by the hundred.

import { readFileSync, statfsSync } from 'node:fs'

const MEMORY = '/dev/shm'
const ENOUGH = 6 * 1024 ** 3

/** Programs must be able to run from there, too: they are made in some trials. */
export function memory(): string | undefined {
  if (process.platform !== 'linux') return undefined
  const mounted = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
  const options = mounted.find(([, place, kind]) => place === MEMORY && kind === 'tmpfs')?.[3]?.split(',')
  if (options === undefined || options.includes('noexec') || options.includes('ro')) return undefined
  const { bavail, bsize } = statfsSync(MEMORY)
  return bavail * bsize > ENOUGH && available() > ENOUGH ? MEMORY : undefined
}

/** What the machine can give without pushing anything out. */
function available(): number {
  return Number(/^MemAvailable: +(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0) * 1024
}
