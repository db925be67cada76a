// `ssl_cert_path`: the certificates with which the project's servers prove who they are. Those that are there are checked and used; where
// there are none, an authority of the project's own is made, and what it vouches for. What Hayai made it renews; what it did not, never.
//
//   ca.crt                       by which clients check; ca.key beside it where Hayai made it
//   server.crt  server.key       for every server of the project
//   <database>/server.crt, .key  for one of them, before the above

import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { mkdir, stat } from 'node:fs/promises'
import { isIP } from 'node:net'
import { basename, join, relative } from 'node:path'
import { HayaiError, messageOf } from '../../base/errors.ts'
import { createDurably, exists, giveByName, makeFolder, readIfThere, writeDurably } from '../../base/files.ts'
import { withLock } from '../../base/locks.ts'
import { onFile } from '../refusals.ts'
import { authorityCertificate, keyText, newKey, serverCertificate, type Issuer, type Name } from './certificate.ts'

const DAY = 86_400_000
/** What is left of a certificate when it is renewed, and told of. */
export const RENEWAL = 30 * DAY
const SERVER_LASTS = 825 * DAY // what clients accept at most
const AUTHORITY_LASTS = 3650 * DAY
const OURS = 'Hayai'

/** At these a client of this machine finds every server. */
const NEEDED = ['localhost', '127.0.0.1']

export interface CertificateFolder {
  /** Absolute. */
  readonly path: string
  /** Held while something is made in it. */
  readonly lock: string
  readonly project: string
  /** How its files are called in messages: from here. */
  readonly root: string
}

export interface Certified {
  /** Files; absolute. */
  readonly authority: string
  readonly certificate: string
  readonly key: string
  readonly until: Date
}

export function authorityFile({ path }: CertificateFolder): string {
  return join(path, 'ca.crt')
}

/** Throws CONFIG_INVALID when those that are there do not do, with what is wrong. */
export async function certificatesFor(folder: CertificateFolder, database: string, now = new Date()): Promise<Certified> {
  return withLock(folder.lock, { purpose: 'making certificates' }, () =>
    onFile(folder.path, 'written', () => ensure(folder, database, now)),
  )
}

/** As it is now; undefined where the next start makes or renews it. */
export async function certificateThere(folder: CertificateFolder, database: string, now = new Date()): Promise<Certified | undefined> {
  const found = await pairOf(folder, database)
  if (found !== undefined) return checked(folder, found, now)
  await authorityOf(folder, now)
  return undefined
}

async function ensure(folder: CertificateFolder, database: string, now: Date): Promise<Certified> {
  const there = await pairOf(folder, database)
  const good = there === undefined ? undefined : await checked(folder, there, now)
  if (good !== undefined) return good
  const authority = (await authorityOf(folder, now)) ?? (await makeAuthority(folder, now, newKey()))
  const place = join(folder.path, database)
  await makeFolder(place)
  const key = newKey()
  const until = new Date(Math.min(now.getTime() + SERVER_LASTS, authority.until.getTime()))
  const names = [...NEEDED, '::1', database]
  const wanted = { subject: { organization: OURS, common: database }, from: new Date(now.getTime() - DAY), until }
  const certified = { authority: authorityFile(folder), certificate: join(place, 'server.crt'), key: join(place, 'server.key'), until }
  // The certificate last: a pair is there when it is.
  await writeDurably(certified.key, keyText(key), 0o600)
  await writeDurably(certified.certificate, serverCertificate(key, names, wanted, authority), 0o644)
  return certified
}

interface Authority extends Issuer {
  readonly until: Date
}

/** Ours, made anew with the same key when it ends; undefined where there is none. CONFIG_INVALID for another's, which we cannot sign for. */
async function authorityOf(folder: CertificateFolder, now: Date): Promise<Authority | undefined> {
  const file = authorityFile(folder)
  const text = await readIfThere(file)
  const key = await keyIn(folder, join(folder.path, 'ca.key'))
  if (text === undefined && key === undefined) return undefined
  const certificate = text === undefined ? undefined : readCertificate(folder, file, text)
  if (key === undefined || (certificate !== undefined && !isOurs(certificate))) {
    throw invalid(folder, file, 'is not an authority of Hayai, and there is no certificate of a server beside it', PAIR)
  }
  if (certificate === undefined || until(certificate).getTime() - now.getTime() < RENEWAL) return makeAuthority(folder, now, key)
  if (!certificate.checkPrivateKey(key)) throw invalid(folder, file, 'does not belong to ca.key', 'Put back the one that does.')
  return { name: nameOf(certificate), key, until: until(certificate) }
}

async function makeAuthority(folder: CertificateFolder, now: Date, key: KeyObject): Promise<Authority> {
  if ((await mkdir(folder.path, { recursive: true })) !== undefined) await giveByName(folder.path)
  await createDurably(join(folder.path, '.gitignore'), '# private keys belong to this machine\n*.key\n', 0o644)
  const name: Name = { organization: OURS, common: `Authority of ${folder.project}` }
  const wanted = { subject: name, from: new Date(now.getTime() - DAY), until: new Date(now.getTime() + AUTHORITY_LASTS) }
  await writeDurably(join(folder.path, 'ca.key'), keyText(key), 0o600)
  await writeDurably(authorityFile(folder), authorityCertificate(key, wanted), 0o644)
  return { name, key, until: wanted.until }
}

interface Pair {
  readonly certificate: string
  readonly key: string
}

async function pairOf({ path }: CertificateFolder, database: string): Promise<Pair | undefined> {
  for (const place of [join(path, database), path]) {
    const pair = { certificate: join(place, 'server.crt'), key: join(place, 'server.key') }
    if (await exists(pair.certificate)) return pair
  }
  return undefined
}

const PAIR = 'Put server.crt and server.key there, of a certificate that it has signed; or another folder into ssl_cert_path.'

/** undefined for one of ours that is to be renewed. */
async function checked(folder: CertificateFolder, pair: Pair, now: Date): Promise<Certified | undefined> {
  const { certificate: file } = pair
  const certificate = readCertificate(folder, file, (await readIfThere(file)) ?? '')
  const ours = isOurs(certificate) && (await exists(join(folder.path, 'ca.key')))
  const key = await keyIn(folder, pair.key)
  const authority = authorityFile(folder)
  const signer = await readIfThere(authority)
  const ends = until(certificate)
  if (ours && (key === undefined || ends.getTime() - now.getTime() < RENEWAL || signer === undefined)) return undefined
  const refuse = (what: string, hint: string): HayaiError => invalid(folder, file, what, hint)
  if (key === undefined) throw refuse('has no private key beside it, server.key', 'Put it there, with mode 0600.')
  if (!certificate.checkPrivateKey(key)) throw refuse('does not belong to the key beside it', 'Put back the one that does.')
  if (now < new Date(certificate.validFrom)) throw refuse(`is not valid before ${certificate.validFrom}`, 'Look at the clock.')
  if (now > ends) throw refuse(`has expired on ${ends.toISOString()}`, 'Put a new one there.')
  const missing = NEEDED.filter((name) => (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) === undefined)
  if (missing.length > 0)
    throw refuse(`is not for ${missing.join(' and ')}, where clients of this machine look for the server`, 'Have one made that names it.')
  if (signer === undefined)
    throw refuse('has no authority beside it, ca.crt, by which clients check it', 'Put it there: for a self-signed one, a copy of it.')
  if (!(await leadsTo(folder, file, authority))) throw refuse(`was not signed by ${basename(authority)}`, 'Put the right authority there.')
  return { ...pair, authority, until: ends }
}

/** Those between the server's own and the authority stand in the same file. */
async function leadsTo(folder: CertificateFolder, file: string, authority: string): Promise<boolean> {
  const chain = certificatesIn(folder, file, (await readIfThere(file)) ?? '')
  const roots = certificatesIn(folder, authority, (await readIfThere(authority)) ?? '')
  const signed = (by: X509Certificate | undefined, each: X509Certificate): boolean =>
    by !== undefined && each.checkIssued(by) && each.verify(by.publicKey)
  const last = chain.at(-1)
  return (
    last !== undefined && chain.slice(0, -1).every((each, at) => signed(chain[at + 1], each)) && roots.some((root) => signed(root, last))
  )
}

async function keyIn(folder: CertificateFolder, file: string): Promise<KeyObject | undefined> {
  const text = await readIfThere(file)
  if (text === undefined) return undefined
  if (((await stat(file)).mode & 0o077) !== 0) {
    throw new HayaiError('WRONG_STATE', `${shown(folder, file)} is a private key, and others than its owner may open it`, {
      hint: `chmod 600 ${shown(folder, file)}`,
    })
  }
  try {
    return createPrivateKey(text)
  } catch {
    // What it says may quote the file.
    throw invalid(folder, file, 'is not a private key without a passphrase, in PEM', 'Put one there.')
  }
}

function readCertificate(folder: CertificateFolder, file: string, text: string): X509Certificate {
  const [first] = certificatesIn(folder, file, text)
  if (first === undefined) throw invalid(folder, file, 'holds no certificate', PAIR)
  return first
}

function certificatesIn(folder: CertificateFolder, file: string, text: string): readonly X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  try {
    return blocks.map((block) => new X509Certificate(block))
  } catch (error) {
    throw invalid(folder, file, `cannot be read: ${messageOf(error)}`, PAIR)
  }
}

function until(certificate: X509Certificate): Date {
  return new Date(certificate.validTo)
}

function isOurs(certificate: X509Certificate): boolean {
  return nameOf(certificate).organization === OURS
}

function nameOf({ subject }: X509Certificate): Name {
  const part = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(subject)?.[1] ?? ''
  return { organization: part('O'), common: part('CN') }
}

function invalid(folder: CertificateFolder, file: string, what: string, hint: string): HayaiError {
  return new HayaiError('CONFIG_INVALID', `${shown(folder, file)} ${what}`, { hint })
}

function shown({ root }: CertificateFolder, file: string): string {
  const path = relative(root, file)
  return path.startsWith('..') ? file : path
}
