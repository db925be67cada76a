import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { checkPort, choosePort, FIRST_PORT, LAST_PORT, promisedPorts } from '../../src/project/ports.ts'
import { containing } from './folder.ts'

const servers: Server[] = []
const NONE: ReadonlyMap<number, string> = new Map()

async function occupy(port: number, host: string): Promise<number> {
  const server = createServer()
  servers.push(server)
  server.listen({ port, host })
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.close()
    await once(server, 'close')
  }
})

describe('choosePort', () => {
  it('gives the same port to the same name, and others to other names and projects', async () => {
    const port = await choosePort('project-1', 'shop', NONE)
    expect(port).toBeGreaterThanOrEqual(FIRST_PORT)
    expect(port).toBeLessThanOrEqual(LAST_PORT)
    expect(await choosePort('project-1', 'shop', NONE)).toBe(port)
    const others = await Promise.all(Array.from({ length: 20 }, (_, index) => choosePort(`project-${index + 2}`, 'shop', NONE)))
    expect(new Set(others).size).toBeGreaterThan(15)
  })

  it.each(['127.0.0.1', '0.0.0.0'])('passes over a port that somebody listens on at %s', async (host) => {
    const port = await choosePort('project-1', 'cache', NONE)
    await occupy(port, host)
    expect(await choosePort('project-1', 'cache', NONE)).not.toBe(port)
  })

  it('passes over ports that are promised, and around the end of the range', async () => {
    const free = await choosePort('project-1', 'shop', NONE)
    const before = free - 1 < FIRST_PORT ? LAST_PORT : free - 1
    const promised = new Map<number, string>()
    for (let port = FIRST_PORT; port <= LAST_PORT; port++) if (port !== before) promised.set(port, 'other')
    expect(await choosePort('project-1', 'shop', promised)).toBe(before)
    promised.set(before, 'other')
    await expect(choosePort('project-1', 'shop', promised)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: containing('5000 to 6000'),
    })
  })
})

describe('checkPort', () => {
  it('says which database has the port', async () => {
    const promised = new Map([[5432, 'users']])
    await expect(checkPort(5432, 'shop', promised)).rejects.toMatchObject({ code: 'CONFLICT', message: containing('"users"') })
  })

  it('says which process listens there', async () => {
    const port = await occupy(0, '127.0.0.1')
    const error: unknown = await checkPort(port, 'shop', NONE).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'CONFLICT', message: containing(`port ${port} is taken`) })
    if (process.platform === 'linux') {
      expect(error).toMatchObject({ message: containing(`(process ${process.pid})`), details: { port, pid: process.pid } })
    }
  })

  it('is content with a free port, and with one that is promised to this very database', async () => {
    const port = await choosePort('project-1', 'free', NONE)
    await checkPort(port, 'shop', NONE)
    await checkPort(port, 'shop', new Map([[port, 'shop']]))
  })

  it.each([0, -1, 65_536, 1.5, Number.NaN])('refuses %s', async (port) => {
    await expect(checkPort(port, 'shop', NONE)).rejects.toMatchObject({ code: 'USAGE' })
  })
})

describe('promisedPorts', () => {
  it('knows the ports of the catalog and of the declaration, but for one database', () => {
    const record = { id: 'x', engine: 'redis', runtime: 'native', version: null, file: null, created: '2026-01-08T10:30:45.000Z' }
    const catalog = { databases: { shop: { ...record, port: 5001 }, lite: { ...record, port: null } } }
    const declared = { shop: { port: 5001 }, cache: { port: 6379 }, plain: {} }
    expect([...promisedPorts(catalog, declared)]).toEqual(
      expect.arrayContaining([
        [5001, 'shop'],
        [6379, 'cache'],
      ]),
    )
    expect([...promisedPorts(catalog, declared, 'shop')]).toEqual([[6379, 'cache']])
  })
})
