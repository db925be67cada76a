// The password hash of caching_sha2_password, MySQL's own plugin: SHA-crypt of 2007 with SHA-256 and 5000 rounds, and a salt of 20
// bytes. `openssl passwd -5` makes the same for salts of up to 16.

import { createHash, randomInt } from 'node:crypto'

const ROUNDS = 5000
const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** As it stands in mysql.user: `$A$005$`, salt, digest. */
export function cachingSha2Hash(password: string): string {
  const salt = Array.from({ length: 20 }, () => ALPHABET[randomInt(ALPHABET.length)] ?? '').join('')
  return `$A$005$${salt}${shaCrypt(password, salt)}`
}

export function shaCrypt(password: string, salt: string): string {
  const [key, grain] = [Buffer.from(password, 'utf8'), Buffer.from(salt, 'latin1')]
  const inner = sha(key, grain, key)
  const parts: Buffer[] = [key, grain, repeated(inner, key.length)]
  for (let left = key.length; left > 0; left >>= 1) parts.push((left & 1) === 1 ? inner : key)
  let digest = sha(...parts)
  const keySequence = repeated(sha(...Array.from({ length: key.length }, () => key)), key.length)
  const saltSequence = repeated(sha(...Array.from({ length: 16 + (digest[0] ?? 0) }, () => grain)), grain.length)
  for (let round = 0; round < ROUNDS; round += 1) {
    const odd = (round & 1) === 1
    digest = sha(
      odd ? keySequence : digest,
      round % 3 === 0 ? NOTHING : saltSequence,
      round % 7 === 0 ? NOTHING : keySequence,
      odd ? digest : keySequence,
    )
  }
  return written(digest)
}

const NOTHING = Buffer.alloc(0)

function sha(...parts: readonly Buffer[]): Buffer {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

function repeated(bytes: Buffer, length: number): Buffer {
  return Buffer.concat(Array.from({ length: Math.ceil(length / bytes.length) }, () => bytes)).subarray(0, length)
}

// Three bytes make four letters, in an order of its own.
const ORDER = [
  [0, 10, 20],
  [21, 1, 11],
  [12, 22, 2],
  [3, 13, 23],
  [24, 4, 14],
  [15, 25, 5],
  [6, 16, 26],
  [27, 7, 17],
  [18, 28, 8],
  [9, 19, 29],
] as const

function written(digest: Buffer): string {
  const letters = (value: number, count: number): string =>
    Array.from({ length: count }, (_, at) => ALPHABET[(value >> (6 * at)) & 63] ?? '').join('')
  const byte = (at: number): number => digest[at] ?? 0
  const groups = ORDER.map(([a, b, c]) => letters((byte(a) << 16) | (byte(b) << 8) | byte(c), 4))
  return groups.join('') + letters((byte(31) << 8) | byte(30), 3)
}
