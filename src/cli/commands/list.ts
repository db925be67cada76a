// hayai list: a table for people, names for pipes, an array for jq.

import type { DatabaseView } from '../../index.ts'
import { command } from '../command.ts'
import type { Style } from '../output.ts'
import { table } from '../wording.ts'
import { kind, statusText, where } from './views.ts'

export const list = command({
  about:
    'Lists the databases of the project with their state, asked of the system at this moment. Where the output is not a terminal ' +
    'it prints one name a line, ready for a pipe.',
  positionals: {},
  flags: {
    running: { kind: 'switch', brief: 'Only those that can be used now' },
    format: {
      kind: 'text',
      value: 'FORMAT',
      brief: 'table, json (a plain array) or names; a table on a terminal, else names',
      choices: ['table', 'json', 'names'],
    },
  },
  examples: {
    'hayai list': 'what there is',
    'hayai list --running | xargs -I {} hayai snapshot {}': 'a snapshot of each one that runs',
    "hayai list --format json | jq -r '.[].name'": 'for scripts',
  },
  failures: ['NOT_FOUND', 'CORRUPT'],
  async run({ flags, session }) {
    const project = await session.open()
    const views = await project.list({ running: flags.running })
    const format = flags.format ?? (session.terminal ? 'table' : 'names')
    return { data: views, text: (style) => listText(views, format, style) }
  },
})

function listText(views: readonly DatabaseView[], format: string, style: Style): string {
  if (format === 'json') return JSON.stringify(views, null, 2)
  if (format === 'names') return views.map(({ name }) => name).join('\n')
  if (views.length === 0)
    return 'There are no databases to show.\n  begin: hayai init -n mydb -e sqlite; what .hayaidb declares: hayai init --config .hayaidb'
  const rows = views.map((view) => [view.name, kind(view), view.runtime, view.status, where(view), view.generation ?? ''])
  const [head = '', ...lines] = table(['NAME', 'ENGINE', 'RUNTIME', 'STATUS', 'WHERE', 'DATA'], rows, style).split('\n')
  const coloured = lines.map((line, row) => colourStatus(line, views[row]?.status, style))
  return [head, ...coloured].join('\n')
}

function colourStatus(line: string, status: DatabaseView['status'] | undefined, style: Style): string {
  return status === undefined ? line : line.replace(`  ${status}`, () => `  ${statusText(status, style)}`)
}
