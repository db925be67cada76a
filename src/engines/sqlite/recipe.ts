// SQLite as the recipe of a file: what a runtime needs to make it, to know it, and to exchange its content.

import { permissionOf } from '../../base/child.ts'
import type { Exchange, FileRecipe, Look } from '../engine.ts'
import { ask } from './ask.ts'

/** Milliseconds for which a transaction of others is waited for. */
export const PATIENCE = 10_000

export const recipe: FileRecipe = {
  shape: 'file',
  extension: '.db',
  companions: ['-wal', '-shm', '-journal'],
  // The child runs by the same Node.
  version: () => Promise.resolve(process.versions['sqlite'] ?? ''),
  create: async (file) => void (await ask('create', { file })),
  recognise: async (file) => void (await ask('recognise', { file })),
  look: (file) => ask('look', { file }),
  bears: (file, mark) => ask('bears', { file, mark, patience: 6 * PATIENCE }),
  unmark: async (file, mark) => void (await ask('unmark', { file, mark, patience: PATIENCE })),
  exchange,
}

async function exchange({ ready, live, incoming, outgoing, mark, patience }: Exchange): Promise<Look> {
  const decision = Promise.withResolvers<boolean>()
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
    return await ask('exchange', { live, incoming, outgoing, mark, patience }, { on, input: permissionOf(decision.promise) })
  } catch (error) {
    throw refusal ?? error
  }
}
