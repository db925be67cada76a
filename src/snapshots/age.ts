// Encryption of snapshots in the age format (age-encryption.org/v1): what is written here the stock `age -d` opens, and what the
// stock `age` wrote is opened here. Headers are made and read by typage, the payload by the cipher of Node, ten times as fast.
// What was cut at any byte, or changed in any bit, is CORRUPT, and no byte of a piece is passed on before its tag was compared.

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { inBlocks, type Block } from '../base/blocks.ts'
import type { Bytes } from '../base/bytes.ts'
import { HayaiError, messageOf } from '../base/errors.ts'
import { Secret } from '../base/secret.ts'
import { reader, type Reader } from './reader.ts'

/** What the name of an encrypted file ends with. */
export const AGE_EXTENSION = '.age'

/** Where those who read look for identities. */
export interface Keyring {
  /**
   * Identities for what is encrypted for any of these recipients; without them, all there are. Throws NOT_FOUND, and says which
   * is needed and where to put it, when there is none.
   */
  identities(recipients?: readonly string[]): Promise<readonly Secret[]>
}

/** For those who only write. */
export const NO_KEYS: Keyring = {
  identities: () => Promise.reject(new HayaiError('NOT_FOUND', 'the file is encrypted, and there is no identity here')),
}

const PIECE = 64 * 1024
const TAG = 16
const NONCE = 16

export async function* encrypt(source: Bytes, recipients: readonly string[]): Bytes {
  const { header, fileKey } = await headerFor(recipients)
  const nonce = randomBytes(NONCE)
  yield Buffer.concat([header, nonce])
  const seal = sealer(streamKey(fileKey, nonce))
  let held: Block | undefined
  for await (const block of inBlocks(source, PIECE)) {
    if (held !== undefined) {
      yield* seal(held.bytes, false)
      held.release()
    }
    held = block
  }
  yield* seal(held?.bytes ?? new Uint8Array(), true)
}

/** `known`: the identities are those it was written for, so that one that does not fit is damage, and not another's secret. */
export async function* decrypt(source: Bytes, identities: readonly Secret[], known: boolean): Bytes {
  const input = reader(source, damaged)
  try {
    yield* opened(input, identities, known)
  } finally {
    await input.close()
  }
}

/** The plain bytes of what may be encrypted, or not: its beginning tells. */
export async function* decryptIfEncrypted(source: Bytes, keyring: Keyring): Bytes {
  const input = reader(source, damaged)
  try {
    if (isAge(await input.peek(MAGIC.length))) yield* opened(input, await keyring.identities(), false)
    else yield* input.rest()
  } finally {
    await input.close()
  }
}

async function* opened(input: Reader, identities: readonly Secret[], known: boolean): Bytes {
  const fileKey = await openHeader(await takeHeader(input), identities, known)
  const open = opener(streamKey(fileKey, await input.take(NONCE)))
  let held: Block | undefined
  let first = true
  for await (const block of inBlocks(input.rest(), PIECE + TAG)) {
    if (held !== undefined) {
      yield open(held.bytes, false)
      held.release()
      first = false
    }
    held = block
  }
  if (held === undefined || held.bytes.byteLength < TAG) throw damaged('it is cut short')
  if (held.bytes.byteLength === TAG && !first) throw damaged('its last piece is empty')
  yield open(held.bytes, true)
}

const MAGIC = 'age-encryption.org/v1\n'

/** Whether this is the beginning of a file of age. */
export function isAge(start: Uint8Array): boolean {
  return Buffer.from(start.subarray(0, MAGIC.length)).toString('latin1') === MAGIC
}

/** Throws USAGE for what is no X25519 recipient: a letter that was mistyped is found by its checksum. */
export async function checkRecipient(text: string): Promise<string> {
  try {
    if (!/^age1[02-9ac-hj-np-z]{58}$/.test(text)) throw new Error('not of that shape')
    await headerFor([text])
    return text
  } catch (error) {
    const secret = /^AGE-SECRET-KEY/i.test(text)
    throw new HayaiError('USAGE', secret ? 'this is a secret key, not a recipient' : `${JSON.stringify(text)} is no age recipient`, {
      hint: secret
        ? 'Give the line that begins with "age1". The secret key has been in a command line: make a new one with `hayai keys create`.'
        : 'A recipient is "age1" and 58 letters and digits; `hayai keys show` shows those of this project.',
      ...(secret ? {} : { cause: error }),
    })
  }
}

export async function newIdentity(): Promise<{ readonly identity: Secret; readonly recipient: string }> {
  const { generateX25519Identity, identityToRecipient } = await import('age-encryption')
  const identity = await generateX25519Identity()
  return { identity: new Secret(identity), recipient: await identityToRecipient(identity) }
}

export async function recipientOf(identity: Secret): Promise<string> {
  const { identityToRecipient } = await import('age-encryption')
  return identityToRecipient(identity.reveal())
}

/** A small text under a passphrase, as `age -p` would write it. */
export async function lockWith(passphrase: Secret, content: Secret): Promise<Uint8Array> {
  const { Encrypter } = await import('age-encryption')
  const encrypter = new Encrypter()
  encrypter.setPassphrase(passphrase.reveal())
  return encrypter.encrypt(content.reveal())
}

/** undefined when the passphrase is another. */
export async function unlockWith(passphrase: Secret, locked: Uint8Array): Promise<Secret | undefined> {
  const { Decrypter } = await import('age-encryption')
  const decrypter = new Decrypter()
  decrypter.addPassphrase(passphrase.reveal())
  try {
    return new Secret(await decrypter.decrypt(locked, 'text'))
  } catch {
    return undefined // typage does not tell a wrong passphrase from damage, and its words are not for people
  }
}

/** typage gives a file key to whoever is a recipient; with no content behind it, what it writes is the header, a nonce and a tag. */
async function headerFor(recipients: readonly string[]): Promise<{ readonly header: Uint8Array; readonly fileKey: Uint8Array }> {
  const { Encrypter } = await import('age-encryption')
  const encrypter = new Encrypter()
  for (const recipient of recipients) encrypter.addRecipient(recipient)
  let fileKey: Uint8Array | undefined
  encrypter.addRecipient({
    wrapFileKey(key) {
      fileKey = key
      return []
    },
  })
  const written = await encrypter.encrypt(new Uint8Array())
  if (fileKey === undefined || recipients.length === 0) throw new Error('a header for nobody')
  return { header: written.subarray(0, written.byteLength - NONCE - TAG), fileKey }
}

async function openHeader(header: Uint8Array, identities: readonly Secret[], known: boolean): Promise<Uint8Array> {
  const { Decrypter } = await import('age-encryption')
  const decrypter = new Decrypter()
  for (const identity of identities) decrypter.addIdentity(identity.reveal())
  let unmatched = false
  decrypter.addIdentity({
    unwrapFileKey() {
      unmatched = true // those before it have all been tried
      return null
    },
  })
  try {
    return await decrypter.decryptHeader(header)
  } catch (error) {
    if (!unmatched) throw damaged(messageOf(error), error)
    if (known) throw damaged('its header does not open with the identity that it was written for', error)
    const passphrase = Buffer.from(header).includes('\n-> scrypt ')
    throw new HayaiError(
      'NOT_FOUND',
      `none of the identities of this machine opens the file${passphrase ? ', which has a passphrase' : ''}`,
      {
        hint: passphrase ? 'Open it with `age -d` first.' : 'Point HAYAI_IDENTITY to the file with the right identity.',
        cause: error,
      },
    )
  }
}

/** The header of a file has a line for each recipient; one of this length has none that anybody made. */
const LONGEST = 64 * 1024

async function takeHeader(input: Reader): Promise<Buffer> {
  for (let length = 256; length <= LONGEST; length *= 2) {
    const start = await input.peek(length)
    const mac = start.indexOf('\n---')
    const end = mac === -1 ? -1 : start.indexOf('\n', mac + 1)
    if (end !== -1) return Buffer.from(await input.take(end + 1))
    if (start.byteLength < length) throw damaged('it is cut short in its header')
  }
  throw damaged('its header does not end')
}

function streamKey(fileKey: Uint8Array, nonce: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', fileKey, nonce, 'payload', 32))
}

const CIPHER = 'chacha20-poly1305'

function sealer(key: Buffer) {
  const counter = counting()
  return function* (piece: Uint8Array, last: boolean): Generator<Uint8Array, void, undefined> {
    const cipher = createCipheriv(CIPHER, key, counter(last), { authTagLength: TAG })
    yield cipher.update(piece)
    cipher.final()
    yield cipher.getAuthTag()
  }
}

function opener(key: Buffer) {
  const counter = counting()
  return (sealed: Uint8Array, last: boolean): Uint8Array => {
    const end = sealed.byteLength - TAG
    const decipher = createDecipheriv(CIPHER, key, counter(last), { authTagLength: TAG })
    decipher.setAuthTag(sealed.subarray(end))
    const plain = decipher.update(sealed.subarray(0, end))
    try {
      decipher.final()
    } catch (error) {
      throw damaged(last ? 'its end is not the one that was written' : 'a piece of it was changed', error)
    }
    return plain
  }
}

/** The nonces of the pieces: how many came before, in eleven bytes, and whether it is the last. */
function counting(): (last: boolean) => Buffer {
  let count = 0
  return (last) => {
    const nonce = Buffer.alloc(12)
    nonce.writeUIntBE(Math.floor(count / 2 ** 32), 3, 4)
    nonce.writeUInt32BE(count % 2 ** 32, 7)
    nonce.writeUInt8(last ? 1 : 0, 11)
    count++
    return nonce
  }
}

function damaged(what: string, cause?: unknown): HayaiError {
  return new HayaiError('CORRUPT', `the encrypted bytes are damaged: ${what}`, { hint: 'Take another copy, or an older snapshot.', cause })
}
