// What killed commands were making or deleting. What a live process works on stays, and so does what has no mark.

import type { Ledger } from '../generations.ts'
import { generationFolders, markFinished, ownerOfMark, removeIfEmpty } from '../marks.ts'
import { generationFolder, type Home } from './home.ts'
import { writeLive } from './live.ts'
import { deleteUnfinished } from './twin.ts'

export async function sweepAll(home: Home, ledger: Ledger | undefined): Promise<void> {
  const { dataDir } = home.placement
  for (const name of await generationFolders(dataDir)) {
    const owner = await ownerOfMark(dataDir, name)
    if (ledger?.entries[name] !== undefined) {
      if (owner !== 'gone') continue
      await writeLive(home, ledger) // killed right after the ledger was written, or right before
      await markFinished(dataDir, name)
    } else if (owner === 'gone') {
      await deleteUnfinished(home, name)
    } else if (owner === undefined) {
      await removeIfEmpty(generationFolder(home, name)) // killed before its mark was written
    }
  }
}
