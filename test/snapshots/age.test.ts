// Encryption beside the stock `age`: each opens what the other wrote; and whatever is cut or changed is refused.

import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Bytes } from '../../src/base/bytes.ts'
import { Secret } from '../../src/base/secret.ts'
import {
  checkRecipient,
  decrypt,
  decryptIfEncrypted,
  encrypt,
  isAge,
  lockWith,
  newIdentity,
  recipientOf,
  unlockWith,
} from '../../src/snapshots/age.ts'

const hasAge = (() => {
  try {
    return execFileSync('age', ['--version'], { encoding: 'utf8' }) !== ''
  } catch {
    return false
  }
})()

const PIECE = 64 * 1024
const SIZES = [0, 1, 15, 16, 17, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE + 5]

let folder = ''
const at = (name: string): string => join(folder, name)
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hayai-age-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function* pieces(bytes: Uint8Array, size: number): Bytes {
  for (let from = 0; from < bytes.byteLength; from += size) yield bytes.subarray(from, from + size)
}

async function all(bytes: Bytes): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of bytes) parts.push(Buffer.from(part))
  return Buffer.concat(parts)
}

async function key() {
  const made = await newIdentity()
  const file = at(`${made.recipient}.txt`)
  await writeFile(file, `${made.identity.reveal()}\n`, { mode: 0o600 })
  return { ...made, file }
}

const sealed = (plain: Uint8Array, recipients: readonly string[], size = 50_000) => all(encrypt(pieces(plain, size), recipients))
const opened = (bytes: Uint8Array, identities: readonly Secret[], known = true, size = 50_000) =>
  all(decrypt(pieces(bytes, size), identities, known))

describe('with the stock age', () => {
  if (!hasAge && process.env['CI'] === undefined) return it.skip('is tried: there is no age on this machine', () => {})

  it.each(SIZES)('%i bytes: each opens what the other wrote', async (bytes) => {
    const mine = await key()
    const plain = randomBytes(bytes)
    await writeFile(at('ours'), await sealed(plain, [mine.recipient]))
    expect(execFileSync('age', ['-d', '-i', mine.file, at('ours')]).equals(plain)).toBe(true)
    const theirs = execFileSync('age', ['-r', mine.recipient], { input: plain })
    expect((await opened(theirs, [mine.identity])).equals(plain)).toBe(true)
  })

  it('any of several recipients opens it, and nobody else', async () => {
    const [one, two, other] = [await key(), await key(), await key()]
    const plain = randomBytes(200_000)
    await writeFile(at('both'), await sealed(plain, [one.recipient, two.recipient]))
    for (const { file, identity } of [one, two]) {
      expect(execFileSync('age', ['-d', '-i', file, at('both')]).equals(plain)).toBe(true)
      expect((await opened(await readFile(at('both')), [other.identity, identity])).equals(plain)).toBe(true)
    }
    expect(() => execFileSync('age', ['-d', '-i', other.file, at('both')], { stdio: 'pipe' })).toThrow('no identity matched')
    await expect(opened(await readFile(at('both')), [other.identity], false)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('a key of age-keygen is known by its recipient', async () => {
    const text = execFileSync('age-keygen', [], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    const identity = new Secret(/AGE-SECRET-KEY-1\S+/.exec(text)?.[0] ?? '')
    const recipient = /public key: (\S+)/.exec(text)?.[1] ?? ''
    expect(await recipientOf(identity)).toBe(recipient)
    expect(await checkRecipient(recipient)).toBe(recipient)
  })

  it('an identity under a passphrase is refused to another one', async () => {
    const locked = await lockWith(new Secret('correct horse'), new Secret('AGE-SECRET-KEY-1...'))
    expect(isAge(locked)).toBe(true)
    expect((await unlockWith(new Secret('correct horse'), locked))?.reveal()).toBe('AGE-SECRET-KEY-1...')
    expect(await unlockWith(new Secret('wrong horse'), locked)).toBeUndefined()
  }, 60_000)

  it('plain bytes pass as they are', async () => {
    const keyring = { identities: () => Promise.reject(new Error('nobody should ask')) }
    expect((await all(decryptIfEncrypted(pieces(Buffer.from('age'), 1), keyring))).toString()).toBe('age')
  })
})

describe('what is not as it was written', () => {
  const refused = { code: 'CORRUPT' }

  it.each(SIZES)('of %i bytes: cut anywhere that matters, it is refused', async (bytes) => {
    const { identity, recipient } = await newIdentity()
    const whole = await sealed(randomBytes(bytes), [recipient])
    const start = whole.indexOf('\n', whole.indexOf('\n---') + 1) + 1
    const edges = new Set<number>([0, 1, 21, 22, start - 1, start, start + 1, start + 15, start + 16, start + 17, whole.byteLength - 1])
    for (let edge = start + 16; edge < whole.byteLength; edge += PIECE + 16) for (const by of [-1, 0, 1]) edges.add(edge + by)
    for (const edge of edges) {
      if (edge < whole.byteLength) await expect(opened(whole.subarray(0, edge), [identity]), String(edge)).rejects.toMatchObject(refused)
    }
    expect((await opened(whole, [identity])).byteLength).toBe(bytes)
  })

  it('cut at every single byte of a small one', async () => {
    const { identity, recipient } = await newIdentity()
    const whole = await sealed(Buffer.from('a secret'), [recipient])
    for (let edge = 0; edge < whole.byteLength; edge++)
      await expect(opened(whole.subarray(0, edge), [identity])).rejects.toMatchObject(refused)
  }, 60_000)

  it('a flipped bit, a cut, or more behind the end, wherever, in pieces of whatever size', async () => {
    const { identity, recipient } = await newIdentity()
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 3 * PIECE }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.integer({ min: 0, max: 7 }),
        fc.integer({ min: 1, max: 2 * PIECE }),
        async (bytes, where, bit, size) => {
          const plain = randomBytes(bytes)
          const whole = await sealed(plain, [recipient], size)
          expect((await opened(whole, [identity], true, size)).equals(plain)).toBe(true)
          const place = Math.floor(where * whole.byteLength)
          const flipped = Buffer.from(whole)
          flipped.writeUInt8(flipped.readUInt8(place) ^ (1 << bit), place)
          await expect(opened(flipped, [identity], true, size), `bit ${bit} of byte ${place}`).rejects.toMatchObject(refused)
          await expect(opened(whole.subarray(0, place), [identity], true, size), `cut at ${place}`).rejects.toMatchObject(refused)
          await expect(
            opened(Buffer.concat([whole, plain.subarray(0, 1), Buffer.from([7])]), [identity], true, size),
          ).rejects.toMatchObject(refused)
        },
      ),
      { numRuns: 60 },
    )
  }, 120_000)

  it('pieces that changed places, or a last one that was taken from another file', async () => {
    const { identity, recipient } = await newIdentity()
    const whole = await sealed(randomBytes(3 * PIECE), [recipient])
    const start = whole.byteLength - 3 * (PIECE + 16)
    const piece = (number: number): Buffer => whole.subarray(start + number * (PIECE + 16), start + (number + 1) * (PIECE + 16))
    const head = whole.subarray(0, start)
    for (const order of [[1, 0, 2], [0, 2], [0, 1], [0, 1, 2, 2], [2]])
      await expect(opened(Buffer.concat([head, ...order.map(piece)]), [identity])).rejects.toMatchObject(refused)
  })

  it('passes on nothing that was not compared', async () => {
    const { identity, recipient } = await newIdentity()
    const plain = randomBytes(3 * PIECE)
    const whole = await sealed(plain, [recipient])
    whole.writeUInt8(whole.readUInt8(whole.byteLength - PIECE) ^ 1, whole.byteLength - PIECE)
    const passed = createHash('sha256')
    let count = 0
    const reading = (async () => {
      for await (const part of decrypt(pieces(whole, 1000), [identity], true)) {
        passed.update(part)
        count += part.byteLength
      }
    })()
    await expect(reading).rejects.toMatchObject(refused)
    expect(count).toBe(2 * PIECE)
    expect(passed.digest('hex')).toBe(createHash('sha256').update(plain.subarray(0, count)).digest('hex'))
  })
})

it('a recipient with a letter mistyped, a secret key and other words are refused', async () => {
  const { identity, recipient } = await newIdentity()
  const last = recipient.endsWith('q') ? 'p' : 'q'
  for (const wrong of ['', 'age1', recipient.slice(0, -1) + last, `${recipient}q`, 'ssh-ed25519 AAAA'])
    await expect(checkRecipient(wrong)).rejects.toMatchObject({ code: 'USAGE' })
  const error: unknown = await checkRecipient(identity.reveal()).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'USAGE', message: 'this is a secret key, not a recipient' })
  expect(JSON.stringify(error)).not.toContain(identity.reveal())
})
