// Some lines of a text that is too long to be kept: each is decided upon by its beginning, and passed on, or not, as it comes.

import type { Bytes } from './bytes.ts'

/** How much of a line is looked at. */
const HEAD = 4096
const NEWLINE = 0x0a

/**
 * `choose` is told how each line begins (as latin1, without its end), in their order, and gives whether the line is wanted; a text is
 * put in before the line, which is wanted then.
 */
export async function* chosenLines(source: Bytes, choose: (head: string) => boolean | string): Bytes {
  let head: Buffer = Buffer.alloc(0) // the beginning of a line that is not decided upon
  let wanted: boolean | undefined // undefined: at the beginning of a line
  for await (const piece of source) {
    const chunk = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
    for (let at = 0; at < chunk.length;) {
      const found = chunk.indexOf(NEWLINE, at)
      const end = found === -1 ? chunk.length : found + 1
      if (wanted === undefined) {
        head = head.length === 0 ? chunk.subarray(at, end) : Buffer.concat([head, chunk.subarray(at, end)])
        at = end
        if (found === -1 && head.length < HEAD) {
          head = Buffer.from(head) // the chunk's memory may be used again
          continue
        }
        const answer = choose(head.toString('latin1', 0, Math.min(HEAD, found === -1 ? head.length : head.length - 1)))
        if (typeof answer === 'string' && answer !== '') yield Buffer.from(answer, 'latin1')
        wanted = answer !== false
        if (wanted) yield head
        head = Buffer.alloc(0)
      } else {
        if (wanted) yield chunk.subarray(at, end)
        at = end
      }
      if (found !== -1) wanted = undefined
    }
  }
  if (head.length === 0) return
  const answer = choose(head.toString('latin1', 0, HEAD))
  if (typeof answer === 'string' && answer !== '') yield Buffer.from(answer, 'latin1')
  if (answer !== false) yield head
}
