// DuckDB as the recipe of a file: what a runtime needs to make it, to know it, and to exchange its content.

import { permissionOf } from '../../base/child.ts'
import type { Exchange, FileRecipe, Look } from '../engine.ts'
import { ask } from './ask.ts'
import { bears, unmark } from './marks.ts'

/** Milliseconds for which another program is waited for that has the file open. */
export const PATIENCE = 10_000

export const recipe: FileRecipe = {
  shape: 'file',
  extension: '.duckdb',
  companions: ['.wal', '.wal.checkpoint', '.wal.recovery'],
  version: () => ask('version', {}),
  create: async (file) => void (await ask('create', { file })),
  recognise: async (file) => void (await ask('recognise', { file })),
  look: (file) => ask('look', { file }),
  bears: (file, mark) => Promise.resolve(bears(file, mark)),
  unmark: (file, mark) => Promise.resolve(unmark(file, mark)),
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
    bears(live, mark) // takes away what a child that was killed has left
    throw refusal ?? error
  }
}
