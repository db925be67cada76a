// Ports of the loopback interface: whether one is free, who has it, and one for a twin.

import { readFile, readdir, readlink } from 'node:fs/promises'
import { createServer, Socket } from 'node:net'
import { systemCode } from './errors.ts'

const HOST = '127.0.0.1'
/** Where databases get the ports they keep: a twin never takes one of them. */
const RESERVED = { first: 5000, last: 6000 }

/** Whether somebody listens there within `patience` milliseconds. */
export function listens(port: number, patience: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = new Socket()
    const settle = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(patience, () => settle(false))
    socket.once('error', () => settle(false))
    socket.connect(port, HOST, () => settle(true))
  })
}

export async function isTaken(port: number): Promise<boolean> {
  try {
    await bind(port)
    return await listens(port, 200) // some systems let two bind to one port
  } catch (error) {
    if (systemCode(error) === 'EADDRINUSE') return true
    if (systemCode(error) === 'EACCES') return false // a low port
    throw error
  }
}

/** The lowest port that the system gives to programs without the rights of root, which no server has, whoever runs Hayai. */
export async function lowestPort(): Promise<number> {
  const usual = 1024
  if (process.platform !== 'linux') return usual
  const said = Number.parseInt(await orNothing(() => readFile('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'), ''), 10)
  return Number.isNaN(said) ? usual : said
}

export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 2000; attempt += 1) {
    const port = await bind(0)
    if (port < RESERVED.first || port > RESERVED.last) return port
  }
  throw new Error('the system gives out no port outside the reserved ones')
}

/** Binds, lets go, and tells which port it was. */
function bind(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host: HOST, port, exclusive: true }, () => {
      const address = server.address()
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('a listening server has no address'))
        else resolve(address.port)
      })
    })
  })
}

/** The process that listens on a port, as far as this system tells it to us. */
export async function holderOf(port: number): Promise<{ readonly pid: number; readonly program: string } | undefined> {
  if (process.platform !== 'linux') return undefined
  const sockets = new Set((await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((table) => listeners(table, port)))).flat())
  if (sockets.size === 0) return undefined
  for (const pid of await readdir('/proc')) {
    if (/^\d+$/.test(pid) && (await holds(pid, sockets))) return { pid: Number(pid), program: await programOf(pid) }
  }
  return undefined
}

// proc(5): `sl local_address rem_address st ... inode`, addresses as HEX:PORT, 0A is LISTEN.
async function listeners(table: string, port: number): Promise<readonly string[]> {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const lines = (await orNothing(() => readFile(table, 'utf8'), '')).split('\n').map((line) => line.trim().split(/\s+/))
  return lines.flatMap((fields) => (fields[1]?.endsWith(wanted) === true && fields[3] === '0A' ? [`socket:[${fields[9] ?? ''}]`] : []))
}

async function holds(pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  for (const descriptor of await orNothing(() => readdir(`/proc/${pid}/fd`), [])) {
    if (sockets.has(await orNothing(() => readlink(`/proc/${pid}/fd/${descriptor}`), ''))) return true
  }
  return false
}

async function programOf(pid: string): Promise<string> {
  return (await orNothing(() => readFile(`/proc/${pid}/comm`, 'utf8'), '')).trim()
}

/** Processes of others are closed to us, and any may end between two looks. */
async function orNothing<T>(look: () => Promise<T>, nothing: T): Promise<T> {
  try {
    return await look()
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT' || code === 'EACCES' || code === 'EPERM' || code === 'ESRCH' || code === 'EINVAL') return nothing
    throw error
  }
}
