// hayai engines: the catalogue.

import { catalogue } from '../../index.ts'
import { command } from '../command.ts'
import { table } from '../wording.ts'

export const engines = command({
  about:
    'Lists every kind of database that Hayai knows of: where it can make one, how far that is proven (its trials run in CI; by a ' +
    'method that is proven on other engines, and never run with this one; or not tried), and how a copy of it comes to be of one moment. It needs no project.',
  positionals: {},
  flags: {},
  examples: {
    'hayai engines': 'all of them',
    "hayai engines --json | jq -r '.data[] | select(.runs) | .name'": 'those that can be made here',
  },
  failures: [],
  async run() {
    const entries = await catalogue()
    const rows = entries.map((entry) => [
      entry.name,
      entry.kind,
      entry.runs ? entry.runtimes.join(', ') : 'not yet',
      entry.proven,
      entry.copied,
      entry.formats.join(', '),
    ])
    return { data: entries, text: (style) => table(['ENGINE', 'KIND', 'RUNS', 'PROVEN', 'COPIED', 'FORMATS'], rows, style) }
  },
})
