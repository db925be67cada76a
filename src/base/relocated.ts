// A tar archive written anew, as if its folder stood elsewhere: with what was read of it and checked, and nothing besides.

import type { Bytes } from './bytes.ts'
import { tarEnd, tarHeader, tarPadding, tarReader, type TarHeader } from './tar.ts'
import { refuseLeading } from './tree-tar.ts'

/** `told` learns how many files there are, and how many bytes are in them, once all have passed. Throws CORRUPT as `unpackTree`. */
export async function* relocated(source: Bytes, folder: string, told: (weight: { files: number; bytes: number }) => void): Bytes {
  const reader = tarReader()
  const weight = { files: 0, bytes: 0 }
  let padding = tarPadding(0)
  for await (const chunk of source) {
    for (const event of reader.feed(chunk)) {
      if ('bytes' in event) yield event.bytes
      else {
        const { header } = event
        refuseLeading(header)
        if (header.kind === 'file' || header.kind === 'link') weight.files += 1
        weight.bytes += header.size
        yield padding
        yield tarHeader(moved(header, folder))
        padding = tarPadding(header.size)
      }
    }
  }
  reader.end()
  told(weight)
  yield padding
  yield tarEnd()
}

/** The rights to become somebody else when run are not given to files from elsewhere. */
function moved(header: TarHeader, folder: string): TarHeader {
  const below = (name: string): string => (name === '' ? folder : `${folder}/${name}`)
  const { name, kind, target, mode } = header
  return {
    ...header,
    name: below(name),
    target: kind === 'link' ? below(target) : target,
    mode: kind === 'folder' ? mode : mode & 0o777,
  }
}
