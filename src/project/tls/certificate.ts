// X.509 certificates (RFC 5280), as few as a project needs: an authority of its own, and what it vouches for. Signing is Node's; what is
// here is the form, so that neither a program nor a library has to be there. `openssl verify` and each server's own clients are its tests.

import { createHash, createPublicKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { isIPv4 } from 'node:net'

export interface Name {
  readonly organization: string
  readonly common: string
}

interface Wanted {
  readonly subject: Name
  readonly from: Date
  readonly until: Date
}

export interface Issuer {
  readonly name: Name
  readonly key: KeyObject
}

export function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey
}

export function keyText(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** Of an authority that signs for servers alone, and for no other authority: PEM. */
export function authorityCertificate(key: KeyObject, wanted: Wanted): string {
  const usage = extension('2.5.29.15', true, bits(Buffer.of(0x06), 1)) // signs certificates and lists of those that hold no more
  const limits = extension('2.5.29.19', true, sequence(TRUE, integer(Buffer.of(0))))
  return certificate(createPublicKey(key), wanted, { name: wanted.subject, key }, [limits, usage])
}

/** Of a server that is reached by these names and addresses: PEM. */
export function serverCertificate(key: KeyObject, names: readonly string[], wanted: Wanted, issuer: Issuer): string {
  const alternatives = names.map((name) => {
    const address = addressBytes(name)
    return address === undefined ? tlv(0x82, Buffer.from(name, 'ascii')) : tlv(0x87, address)
  })
  const extensions = [
    extension('2.5.29.19', true, sequence()),
    extension('2.5.29.15', true, bits(Buffer.of(0x80), 7)), // signs what it says
    extension('2.5.29.37', false, sequence(identifier('1.3.6.1.5.5.7.3.1'))), // as a server
    extension('2.5.29.17', false, sequence(...alternatives)),
  ]
  return certificate(createPublicKey(key), wanted, issuer, extensions)
}

function certificate(key: KeyObject, { subject, from, until }: Wanted, issuer: Issuer, extensions: readonly Buffer[]): string {
  const algorithm = sequence(identifier('1.2.840.10045.4.3.2')) // ECDSA with SHA-256
  const serial = randomBytes(16)
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40 // positive, and of full length
  const keys = [
    extension('2.5.29.14', false, tlv(0x04, keyId(key))),
    extension('2.5.29.35', false, sequence(tlv(0x80, keyId(createPublicKey(issuer.key))))),
  ]
  const body = sequence(
    tlv(0xa0, integer(Buffer.of(2))), // version 3
    integer(serial),
    algorithm,
    nameOf(issuer.name),
    sequence(time(from), time(until)),
    nameOf(subject),
    key.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(...extensions, ...keys)),
  )
  const whole = sequence(body, algorithm, bits(sign('sha256', body, issuer.key), 0))
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

function nameOf({ organization, common }: Name): Buffer {
  const part = (id: string, text: string): Buffer => tlv(0x31, sequence(identifier(id), tlv(0x0c, Buffer.from(text))))
  return sequence(part('2.5.4.10', organization), part('2.5.4.3', common))
}

/** Of the curve's point, which is the last part of the key: its first byte says that all of the rest counts. */
function keyId(key: KeyObject): Buffer {
  const point = key.export({ type: 'spki', format: 'der' }).subarray(-65)
  return createHash('sha1').update(point).digest()
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(identifier(id), ...(critical ? [TRUE] : []), tlv(0x04, value))
}

/** undefined for what is the name of a host. */
function addressBytes(name: string): Buffer | undefined {
  if (isIPv4(name)) return Buffer.from(name.split('.').map(Number))
  if (name === '::1') return Buffer.concat([Buffer.alloc(15), Buffer.of(1)])
  return undefined
}

// DER: a tag, a length, the content.

const TRUE = Buffer.of(0x01, 0x01, 0xff)

function tlv(tag: number, content: Buffer): Buffer {
  const { length } = content
  const long = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.of(tag, ...long), content])
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tlv(0x30, Buffer.concat(parts))
}

function integer(bytes: Buffer): Buffer {
  return tlv(0x02, bytes)
}

function bits(bytes: Buffer, unused: number): Buffer {
  return tlv(0x03, Buffer.concat([Buffer.of(unused), bytes]))
}

function identifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return tlv(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

function base128(number: number): readonly number[] {
  const digits = [number & 0x7f]
  for (let rest = number >> 7; rest > 0; rest >>= 7) digits.unshift((rest & 0x7f) | 0x80)
  return digits
}

/** With two digits of the year up to 2049, and with four after that. */
function time(date: Date): Buffer {
  const digits = `${date.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`
  return date.getUTCFullYear() < 2050 ? tlv(0x17, Buffer.from(digits.slice(2))) : tlv(0x18, Buffer.from(digits))
}
