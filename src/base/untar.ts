// Laying the entries of a tar archive down as files. What may be made, and where, its caller decides.

import type { FileHandle } from 'node:fs/promises'
import type { Bytes } from './bytes.ts'
import { tarReader, type TarHeader } from './tar.ts'

/** `make` opens the file of an entry, or makes what else it is; undefined: its bytes are passed over. Throws CORRUPT at a cut end. */
export async function untar(
  source: Bytes,
  signal: AbortSignal,
  make: (header: TarHeader) => Promise<FileHandle | undefined>,
): Promise<void> {
  const reader = tarReader()
  let file: FileHandle | undefined
  try {
    for await (const chunk of source) {
      signal.throwIfAborted()
      for (const event of reader.feed(chunk)) {
        if ('bytes' in event) await file?.writeFile(event.bytes)
        else {
          await file?.close()
          file = undefined
          file = await make(event.header)
        }
      }
    }
  } finally {
    await file?.close()
  }
  reader.end()
}
