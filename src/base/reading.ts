// The bytes of a dump that holds something: what it holds ends with them, and who waits for its facts hears when there will be none.

import type { Bytes } from './bytes.ts'
import { HayaiError } from './errors.ts'

export const notToItsEnd = (): HayaiError => new HayaiError('INTERRUPTED', 'the dump was not read to its end')

/** `reject` is called at every end, and says nothing to those who know the facts by then. */
export async function* closedAtItsEnd(source: Bytes, close: () => void | Promise<void>, reject: (error: unknown) => void): Bytes {
  try {
    yield* source
  } catch (error) {
    reject(error)
    throw error
  } finally {
    reject(notToItsEnd())
    await close()
  }
}
