// SQLite as the recipe of a file: what a runtime needs to make it, to know it, and to exchange its content.

import type { Bytes } from '../../base/bytes.ts'
import type { Exchange, FileRecipe, Look } from '../engine.ts'
import { ask } from './ask.ts'

/** Milliseconds for which a transaction of others is waited for. */
export const PATIENCE = 10_000

export const recipe: FileRecipe = {
  shape: 'file',
  extension: '.db',
  companions: ['-wal', '-shm', '-journal'],
  version: () => ask('version', {}),
  create: async (file) => void (await ask('create', { file })),
  recognise: async (file) => void (await ask('recognise', { file })),
  look: (file) => ask('look', { file }),
  bears: (file, mark) => ask('bears', { file, mark, patience: 6 * PATIENCE }),
  unmark: async (file, mark) => void (await ask('unmark', { file, mark, patience: PATIENCE })),
  exchange,
}

async function exchange({ ready, live, incoming, outgoing, mark, patience }: Exchange): Promise<Look> {
  const decision = Promise.withResolvers<boolean>()
  // Ends without a word when this process ends: then the child gives up, and cannot surprise whoever comes next.
  async function* permission(): Bytes {
    if (await decision.promise) yield Buffer.from('g')
  }
  let refusal: unknown
  const on = async (): Promise<void> => {
    try {
      await ready()
      decision.resolve(true)
    } catch (error) {
      refusal = error
      decision.resolve(false)
    }
  }
  try {
    return await ask('exchange', { live, incoming, outgoing, mark, patience }, { on, input: permission() })
  } catch (error) {
    throw refusal ?? error
  }
}
