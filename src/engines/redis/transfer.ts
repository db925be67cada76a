// The whole data set of a server as an RDB file, of the moment at which it was asked for: what it sends to a new replica.
// The server forks, and the fork writes straight to this connection, so nothing is written to a disk and nobody is held up.

import type { Bytes } from '../../base/bytes.ts'
import { HayaiError } from '../../base/errors.ts'
import { refusal, type Session } from './session.ts'
import type { Wire } from './wire.ts'

export interface Transfer {
  /** Undefined when the server does not know it before it has sent all. */
  size(): Promise<number | undefined>
  readonly bytes: Bytes
}

/** Says what is wanted. `sized`: the server makes a file first, its own RDB file, to be able to tell its size. */
export async function prepareTransfer(session: Session, sized = false): Promise<void> {
  if (!sized) await session.ask('REPLCONF', 'capa', 'eof') // an end mark will do instead
  await onlyTheFile(session)
}

/** Of a session that is prepared. Returns when the instant is fixed: what others write from then on is not in the bytes. */
export async function transfer({ wire }: Session): Promise<Transfer> {
  wire.send('PSYNC', '?', '-1')
  if (!(await firstWords(wire)).startsWith('+FULLRESYNC ')) throw strange()
  let announced: Promise<string> | undefined
  const announcement = async (): Promise<{ readonly mark?: string | undefined; readonly size?: string | undefined }> => {
    const line = await (announced ??= firstWords(wire))
    const found = /^\$(?:EOF:(?<mark>.{40})|(?<size>\d+))$/.exec(line)?.groups
    if (found === undefined) throw strange()
    return found
  }
  async function* bytes(): Bytes {
    const { mark, size } = await announcement()
    if (mark !== undefined) yield* upToMark(wire, Buffer.from(mark, 'latin1'))
    else yield* upToSize(wire, Number(size))
  }
  return {
    async size() {
      const { size } = await announcement()
      return size === undefined ? undefined : Number(size)
    },
    bytes: bytes(),
  }
}

/** Empty lines come while the server has to finish something else first. */
async function firstWords(wire: Wire): Promise<string> {
  for (;;) {
    const line = await wire.line()
    if (line.startsWith('-')) throw refusal('PSYNC', line.slice(1))
    if (line !== '') return line
  }
}

function strange(): HayaiError {
  return new HayaiError('TOOL_FAILED', 'the server answers PSYNC with something that is no RDB file')
}

/** Without this, servers keep all that is written in the meantime for us, until they run out of patience. Those before 6.2 do not know it. */
async function onlyTheFile(session: Session): Promise<void> {
  try {
    await session.ask('REPLCONF', 'rdb-only', '1')
  } catch (error) {
    if (!(error instanceof HayaiError) || !String(error.details?.['reply']).startsWith('ERR Unrecognized REPLCONF option')) throw error
  }
}

/** The last bytes that have come are held back, for they may be the mark. */
async function* upToMark(wire: Wire, mark: Buffer): Bytes {
  const size = mark.length
  let held: Buffer = Buffer.alloc(0)
  while (!held.equals(mark)) {
    const next = await wire.some()
    if (next === undefined) throw cut()
    const all = next.length < size ? Buffer.concat([held, next]) : next
    if (all === next && held.length > 0) yield held
    if (all.length > size) yield all.subarray(0, -size)
    held = all.subarray(-size)
  }
}

async function* upToSize(wire: Wire, size: number): Bytes {
  for (let left = size; left > 0;) {
    const next = await wire.some()
    if (next === undefined) throw cut()
    const part = next.subarray(0, left)
    left -= part.length
    yield part
  }
}

function cut(): HayaiError {
  return new HayaiError('TOOL_FAILED', 'the server ended the transfer of its data before the end', {
    hint: 'Its log tells why: `hayai logs <name>`.',
  })
}
