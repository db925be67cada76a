// A tar archive that holds one file: a database that is a file, with a name, for whoever keeps archives.

import type { Bytes } from './bytes.ts'
import { HayaiError } from './errors.ts'
import { tarEnd, tarHeader, tarPadding, tarReader } from './tar.ts'

export async function* tarOfFile(name: string, size: number, bytes: Bytes): Bytes {
  yield tarHeader({ name, kind: 'file', size, mode: 0o600, target: '' })
  let written = 0
  for await (const chunk of bytes) {
    written += chunk.byteLength
    yield chunk
  }
  if (written !== size) throw new Error(`${name} has ${written} bytes, and ${size} were announced`)
  yield tarPadding(size)
  yield tarEnd()
}

/** What comes to know the file in an archive as it passes by; end() throws CORRUPT when something is not as it should be. */
export interface Check {
  feed(chunk: Uint8Array): void
  end(): void
}

/** The bytes of the one file. Throws CORRUPT, at the latest at the end, for an archive that is cut or holds something else. */
export async function* fileInTar(archive: Bytes): Bytes {
  const reader = tarReader()
  let files = 0
  for await (const chunk of archive) {
    for (const event of reader.feed(chunk)) {
      if ('bytes' in event) yield event.bytes
      else if (event.header.kind !== 'folder') {
        files += 1
        if (files > 1 || event.header.kind !== 'file') throw notOne()
      }
    }
  }
  reader.end()
  if (files !== 1) throw notOne()
}

/** Passes an archive on and shows `check` the bytes of its one file. */
export async function* throughTarFile(archive: Bytes, check: Check): Bytes {
  const passed: Uint8Array[] = []
  async function* tapped(): Bytes {
    for await (const chunk of archive) {
      passed.push(chunk)
      yield chunk
    }
  }
  for await (const bytes of fileInTar(tapped())) {
    check.feed(bytes)
    yield* passed.splice(0)
  }
  yield* passed.splice(0)
  check.end()
}

/** Passes a file on and shows it to `check`. */
export async function* through(bytes: Bytes, check: Check): Bytes {
  for await (const chunk of bytes) {
    check.feed(chunk)
    yield chunk
  }
  check.end()
}

function notOne(): HayaiError {
  return new HayaiError('CORRUPT', 'the tar archive does not hold exactly one file, which would be the database', {
    hint: 'Use another snapshot.',
  })
}
