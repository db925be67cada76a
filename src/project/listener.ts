// Who listens on a port of this machine, as far as the system tells: so that "taken" can say by whom.

import { readdir, readFile, readlink } from 'node:fs/promises'
import { systemCode } from '../base/errors.ts'

export interface Listener {
  readonly pid: number
  /** `postgres (process 812)` */
  readonly label: string
}

/** undefined where it cannot be found out: another user's process, or a system without /proc. */
export async function listenerOf(port: number): Promise<Listener | undefined> {
  if (process.platform !== 'linux') return undefined
  const sockets = await listeningSockets(port)
  if (sockets.size === 0) return undefined
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    if (!(await holds(pid, sockets))) continue
    const name = (await orGone(readFile(`/proc/${pid}/comm`, 'utf8')))?.trim()
    if (name !== undefined) return { pid: Number(pid), label: `${name} (process ${pid})` }
  }
  return undefined
}

// proc(5): local_address is `HEX-IP:HEX-PORT`, state 0A is LISTEN, the tenth field is the inode.
async function listeningSockets(port: number): Promise<ReadonlySet<string>> {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((file) => orGone(readFile(file, 'utf8'))))
  const lines = tables.flatMap((table) => table?.split('\n').slice(1) ?? []).map((line) => line.trim().split(/\s+/))
  return new Set(lines.filter(([, local, , state]) => local?.endsWith(wanted) === true && state === '0A').map((fields) => `socket:[${fields[9] ?? ''}]`))
}

async function holds(pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  for (const descriptor of (await orGone(readdir(`/proc/${pid}/fd`))) ?? []) {
    const leads = await orGone(readlink(`/proc/${pid}/fd/${descriptor}`))
    if (leads !== undefined && sockets.has(leads)) return true
  }
  return false
}

/** A process may end, or be another user's, between one look and the next: then it has nothing to tell. */
async function orGone<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(systemCode(error) ?? '')) return undefined
    throw error
  }
}
