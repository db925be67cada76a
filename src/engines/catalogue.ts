// The catalogue: the kinds of database there are, as data. `hayai engines` and docs/ENGINES.md are made from it.

import { DOCUMENTS } from './catalogue/documents.ts'
import { dataFolderEngine } from './catalogue/engine.ts'
import type { Entry } from './catalogue/entry.ts'
import { KEYS } from './catalogue/keys.ts'
import { RELATIONAL } from './catalogue/relational.ts'
import { SERIES } from './catalogue/series.ts'
import { VECTORS } from './catalogue/vectors.ts'
import type { Engine } from './engine.ts'

export type { Entry } from './catalogue/entry.ts'

const OTHERS: readonly Entry[] = [
  {
    name: 'generic',
    title: 'any other engine',
    kind: 'any',
    image: null,
    port: null,
    data: null,
    health: { tcp: true },
    environment: {},
    uri: 'tcp://127.0.0.1:{port}',
    quiesce: 'stop',
    command: '',
    licence: "the image's own",
    proven: 'proven',
    note: '`image`, `data`, `port` and `quiesce` are told in .hayaidb. Its files and bytes are counted, for want of anything else.',
  },
]

export const catalogue: readonly Entry[] = [...RELATIONAL, ...KEYS, ...SERIES, ...DOCUMENTS, ...VECTORS, ...OTHERS]

/** A server without a command of its own that Hayai knows to use; and what only `.hayaidb` can describe. */
function byItsFolder({ kind, image, quiesce }: Entry): boolean {
  return kind === 'any' || (image !== null && quiesce !== 'command')
}

/** Those that run by the data-folder method, by name. */
export const dataFolderEngines: Readonly<Record<string, Engine>> = Object.fromEntries(
  catalogue.flatMap((entry) => (byItsFolder(entry) ? [[entry.name, dataFolderEngine(entry)] as const] : [])),
)

/** Where the table begins and ends in docs/ENGINES.md. */
const MARKS = ['<!-- made from src/engines/catalogue by scripts/write-engines.ts -->', '<!-- end -->'] as const

/** The same text with the table of today. `able`: where the engines can live that Hayai can run. */
export function withTable(text: string, able: Readonly<Record<string, readonly string[]>>): string {
  const [from, to] = MARKS.map((mark) => text.indexOf(mark))
  if (from === undefined || to === undefined || from < 0 || to < from) throw new Error(`the marks ${MARKS.join(' and ')} are not there`)
  return `${text.slice(0, from)}${MARKS[0]}\n\n${tableOf(able)}\n\n${text.slice(to)}`
}

function tableOf(able: Readonly<Record<string, readonly string[]>>): string {
  const head = ['engine', '', 'kind', 'runs', 'proven', 'copied', 'image', 'port', 'data folder', 'licence', 'to be known']
  const rows = catalogue.map((entry) => [
    `\`${entry.name}\``,
    entry.title,
    entry.kind,
    able[entry.name]?.join(', ') ?? 'not yet',
    entry.proven,
    copied(entry),
    entry.image === null ? '' : `\`${entry.image}${entry.tag === undefined ? '' : `:${entry.tag}`}\``,
    entry.port === null ? '' : String(entry.port),
    entry.data === null ? '' : `\`${entry.data}\``,
    entry.licence,
    entry.note,
  ])
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** How a copy comes to be of one moment, in a few words. */
export function copied({ quiesce, command }: Pick<Entry, 'quiesce' | 'command'>): string {
  if (quiesce === 'command') return `while it runs: ${command}`
  return quiesce === 'stop' ? 'at rest' : 'held still'
}
