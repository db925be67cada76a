// Saves a snapshot and dies, as by `kill -9`, at the moment it is told: `node doomed.ts <folder> <moment>`. Moments: `writing`
// (half of the data is there), `data` (its name is there, the manifest is not), `manifest` (it is, and so is the note).

import type { Bytes } from '../../src/base/bytes.ts'
import { repository } from '../../src/snapshots/repository.ts'
import { folderStore } from '../../src/stores/folder.ts'
import type { Source, Store } from '../../src/stores/store.ts'
import { draft, dumpOf, options } from './dumps.ts'

const [folder = '', moment = ''] = process.argv.slice(2)
const die = (): void => void process.kill(process.pid, 'SIGKILL')
const store = folderStore(folder)
const dying: Store = {
  ...store,
  async put(key, source, how) {
    if (moment === 'data' && key.endsWith('.json')) die()
    await store.put(key, moment === 'writing' && key.endsWith('.sql') ? cutShort(source) : source, how)
    if (moment === 'manifest' && key.endsWith('.json')) die()
  },
}

function cutShort(source: Source): Source {
  return typeof source === 'function' ? (into) => endingSoon(source(into)) : endingSoon(source)
}

async function* endingSoon(bytes: Bytes): Bytes {
  let total = 0
  for await (const chunk of bytes) {
    total += chunk.byteLength
    yield chunk
    if (total > 3_000_000) die()
  }
}

await repository(dying).save(draft(), dumpOf('seq 1000000'), options())
console.log('survived')
