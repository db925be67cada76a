// Renames, throws away or brings back a snapshot, and dies, as by `kill -9`, before its nth step on the store or after it:
// `node doomed-keeping.ts <folder> <verb> <n>`. Prints `survived` when there were fewer steps.

import { rename } from '../../src/snapshots/renaming.ts'
import { repository } from '../../src/snapshots/repository.ts'
import { announce, bringBack, discard, discards } from '../../src/snapshots/trash.ts'
import { clearUp } from '../../src/snapshots/unfinished.ts'
import { folderStore } from '../../src/stores/folder.ts'
import type { Store } from '../../src/stores/store.ts'

const [folder = '', verb = '', last = ''] = process.argv.slice(2)
const store = folderStore(folder)
let steps = 0
const step = async <T>(work: () => Promise<T>): Promise<T> => {
  if (steps++ === Number(last)) process.kill(process.pid, 'SIGKILL')
  return work()
}
const dying: Store = {
  ...store,
  put: (key, bytes, how) => step(() => store.put(key, bytes, how)),
  copy: (key, to) => step(() => store.copy(key, to)),
  delete: (key) => step(() => store.delete(key)),
}

await clearUp(store)
const [found] = (await repository(store).list()).filter((each) => each.kind === 'snapshot')
if (verb === 'rename' && found !== undefined) await rename(dying, found, 'renamed')
if (verb === 'discard' && found !== undefined) {
  const record = await announce(dying, [found], new Date(Date.now() + 3_600_000))
  for (const each of record.snapshots) await discard(dying, record, each, new Set())
}
if (verb === 'back') for (const record of await discards(store)) await bringBack(dying, record)
console.log('survived')
