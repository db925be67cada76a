// Certificates: made, checked and renewed, and found good by openssl.

import { execFileSync } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { authorityCertificate, keyText, newKey, serverCertificate } from '../../src/project/tls/certificate.ts'
import { certificatesFor, certificateThere, type CertificateFolder } from '../../src/project/tls/folder.ts'

const DAY = 86_400_000
const now = new Date()
const later = (days: number): Date => new Date(now.getTime() + days * DAY)

let root = ''
let folder: CertificateFolder
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'hayai-tls-'))
  folder = { path: join(root, 'ssl'), lock: join(root, 'lock'), project: "Ärger & Söhne's", root }
})
afterEach(() => rm(root, { recursive: true }))

const inFolder = (name: string): string => join(folder.path, name)
const read = async (file: string): Promise<X509Certificate> => new X509Certificate(await readFile(file))
const openssl = (...args: readonly string[]): string =>
  execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

describe('made where there are none', () => {
  test('openssl finds the chain, the names and the purpose good; keys are private', async () => {
    const { authority, certificate, key, until } = await certificatesFor(folder, 'shop')
    for (const name of ['localhost', 'shop']) {
      const how = ['-x509_strict', '-purpose', 'sslserver', '-verify_hostname', name, '-CAfile', authority, certificate]
      expect(openssl('verify', ...how)).toContain(': OK')
    }
    for (const address of ['127.0.0.1', '::1'])
      expect(openssl('verify', '-x509_strict', '-verify_ip', address, '-CAfile', authority, certificate)).toContain(': OK')
    expect(() => openssl('verify', '-verify_hostname', 'other', '-CAfile', authority, certificate)).toThrow()
    expect(openssl('x509', '-noout', '-ext', 'basicConstraints,keyUsage', '-in', authority)).toMatch(
      /critical\s+CA:TRUE, pathlen:0[^]*critical\s+Certificate Sign, CRL Sign/,
    )
    for (const file of [key, inFolder('ca.key')]) expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readFile(inFolder('.gitignore'), 'utf8')).toContain('*.key')
    expect(Math.round((until.getTime() - now.getTime()) / DAY)).toBe(825)
  })

  test('every database has its own, of one authority; nothing is made twice, also not by forty at once', async () => {
    const all = await Promise.all(Array.from({ length: 40 }, (_, at) => certificatesFor(folder, `db${at % 4}`)))
    expect(new Set(all.map(({ certificate }) => certificate)).size).toBe(4)
    const before = await readFile(all[0]?.certificate ?? '', 'utf8')
    await certificatesFor(folder, 'db0')
    expect(await readFile(all[0]?.certificate ?? '', 'utf8')).toBe(before)
  })

  test('they are renewed when less than thirty days are left, the authority with its own key', async () => {
    const made = await certificatesFor(folder, 'shop')
    const first = await read(made.certificate)
    expect(await certificateThere(folder, 'shop', later(790))).toBeDefined()
    expect(await certificateThere(folder, 'shop', later(800))).toBeUndefined()
    await certificatesFor(folder, 'shop', later(790))
    expect((await read(made.certificate)).serialNumber).toBe(first.serialNumber)
    await certificatesFor(folder, 'shop', later(800))
    expect((await read(made.certificate)).serialNumber).not.toBe(first.serialNumber)
    const authority = await read(made.authority)
    await certificatesFor(folder, 'shop', later(3645))
    const next = await read(made.authority)
    expect(next.serialNumber).not.toBe(authority.serialNumber)
    expect(next.checkPrivateKey(createPrivateKey(await readFile(inFolder('ca.key'))))).toBe(true)
    expect((await read(made.certificate)).verify(authority.publicKey)).toBe(true)
  })
})

describe('those that are there', () => {
  const subject = { organization: 'Example', common: 'server' }
  const issuer = { name: { organization: 'Example', common: 'root' }, key: newKey() }
  const span = { from: later(-1), until: later(100) }
  async function put(changes: { readonly names?: readonly string[]; readonly from?: Date; readonly until?: Date } = {}): Promise<void> {
    await certificatesFor(folder, 'other') // makes the folder
    for (const name of ['ca.key', 'ca.crt']) await rm(inFolder(name))
    const key = newKey()
    await writeFile(inFolder('ca.crt'), authorityCertificate(issuer.key, { subject: issuer.name, ...span, until: later(1000) }))
    const wanted = { subject, ...span, ...changes }
    await writeFile(inFolder('server.crt'), serverCertificate(key, changes.names ?? ['localhost', '127.0.0.1'], wanted, issuer))
    await writeFile(inFolder('server.key'), keyText(key), { mode: 0o600 })
  }
  const refused = (message: string) => expect(certificatesFor(folder, 'shop')).rejects.toThrow(message)

  test('are used as they are, and never renewed', async () => {
    await put()
    const before = await readFile(inFolder('server.crt'), 'utf8')
    expect(await certificatesFor(folder, 'shop', later(90))).toMatchObject({ certificate: inFolder('server.crt') })
    expect(await readFile(inFolder('server.crt'), 'utf8')).toBe(before)
  })

  test.each([
    ['another name', { names: ['db.example.org'] }, 'ssl/server.crt is not for localhost and 127.0.0.1'],
    ['expired', { until: later(-0.5) }, 'ssl/server.crt has expired on '],
    ['not valid yet', { from: later(1) }, 'ssl/server.crt is not valid before '],
  ])('%s: refused', async (_, changes, message) => {
    await put(changes)
    await refused(message)
  })

  test('a key that is another, missing, or for all to read; an authority that is another, or missing: refused', async () => {
    await put()
    const key = await readFile(inFolder('server.key'))
    await writeFile(inFolder('server.key'), keyText(newKey()))
    await refused('ssl/server.crt does not belong to the key beside it')
    await writeFile(inFolder('server.key'), 'no key')
    await refused('ssl/server.key is not a private key')
    await rm(inFolder('server.key'))
    await refused('has no private key beside it')
    await writeFile(inFolder('server.key'), key, { mode: 0o644 })
    await chmod(inFolder('server.key'), 0o644)
    await refused('others than its owner may open it')
    await chmod(inFolder('server.key'), 0o600)
    await writeFile(inFolder('ca.crt'), authorityCertificate(newKey(), { subject: issuer.name, ...span }))
    await refused('was not signed by ca.crt')
    await rm(inFolder('ca.crt'))
    await refused('has no authority beside it')
    await rm(inFolder('server.crt'))
    await writeFile(inFolder('ca.crt'), authorityCertificate(issuer.key, { subject: issuer.name, ...span }))
    await refused('ssl/ca.crt is not an authority of Hayai')
  })
})
