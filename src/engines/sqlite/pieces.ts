// Single tables: out of the file of a twin, into a live file, as one transaction of SQLite itself.

import { whileAlive } from '../../base/child.ts'
import { readReceipt } from '../../base/receipt.ts'
import type { Pieces, FoundPiece, Target, Transplant, Transplanted } from '../engine.ts'
import { ask } from './ask.ts'
import type { Requests } from './protocol.ts'
import { PATIENCE } from './recipe.ts'

export const pieces: Pieces = {
  noun: { one: 'table', many: 'tables' },
  unit: { one: 'row', many: 'rows' },
  renames: true,
  numbered: false,
  whole: true,
  find: async (from, to, order, signal): Promise<readonly FoundPiece[]> => ask('findTables', orderOf(from, to, order), { signal }),
  transplant: async (from, to, order, receipt, signal): Promise<Transplanted> =>
    ask('transplant', { ...orderOf(from, to, order), receipt }, { signal, ...whileAlive() }),
  async takeBack(from, to, { receipt, added, replaced, anyway }, signal) {
    const digests = await readReceipt(receipt)
    if (digests === undefined) return { notes: [] }
    return ask(
      'takeBack',
      { from: from?.path ?? null, to: to.path, digests, added, replaced, anyway, patience: PATIENCE },
      { signal, ...whileAlive() },
    )
  },
}

function orderOf(from: Target, to: Target, { wanted, replace }: Transplant): Requests['findTables'] {
  return { from: from.path, to: to.path, wanted: wanted.map(({ name, as }) => ({ name, as: as ?? null })), replace, patience: PATIENCE }
}
