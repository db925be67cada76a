// Help that teaches: what there is, how it is typed, an example of each, and what a script should be ready for.

import { CODES, HayaiError } from '../index.ts'
import { shownFlags, usageLine, type Flag } from './arguments.ts'
import type { Said } from './command.ts'
import type { Style } from './output.ts'
import { routeOf, unknownCommand, type Route } from './route.ts'
import { GROUPS } from './verbs.ts'

const PURPOSE =
  "Hayai runs a project's databases and keeps their data safe: one command takes a snapshot, one command brings it back, and nothing " +
  'is lost on the way.'

const EXAMPLES = {
  'hayai init -n mydb -e sqlite': 'a database, in this folder',
  'hayai snapshot mydb': 'a snapshot of it',
  'hayai restore mydb --latest': 'bring it back; `hayai undo` takes that back again',
}

/** Help of the command that these words name; without words, of all. */
export async function helpFor(words: readonly string[]): Promise<Said> {
  const [name, ...rest] = words
  if (name === undefined) return overview()
  const route = await routeOf(name, rest)
  const [extra] = route.args
  if (extra === undefined) return helpOf(route)
  const known = Object.keys(route.command.subcommands ?? {}).map((sub) => `${name} ${sub}`)
  if (known.length > 0) throw unknownCommand(`${name} ${extra}`, known)
  throw new HayaiError('USAGE', `hayai ${name} has no subcommands`, { hint: `Run \`hayai help ${name}\`.` })
}

export function overview(): Said {
  const commands = GROUPS.flatMap(({ title, verbs }) => Object.entries(verbs).map(([name, { brief }]) => ({ name, brief, group: title })))
  return {
    data: { purpose: PURPOSE, commands, examples: EXAMPLES },
    text: (style) => overviewText(style),
  }
}

function overviewText(style: Style): string {
  const parts = [wrapped(PURPOSE), `${style.bold('Usage')}  hayai COMMAND [options]`]
  for (const { title, verbs } of GROUPS) {
    parts.push(
      section(
        title,
        Object.entries(verbs).map(([name, { brief }]) => [name, brief] as const),
        style,
        11,
      ),
    )
  }
  parts.push(section('Examples', Object.entries(EXAMPLES), style))
  parts.push('Every command takes --json and --help; `hayai COMMAND --help` tells all about it.')
  return parts.join('\n\n')
}

export function helpOf(route: Route): Said {
  return { data: described(route), text: (style) => commandText(route, style) }
}

function described(route: Route): Readonly<Record<string, unknown>> {
  const { brief, command, grammar } = route
  return {
    command: grammar.name,
    brief,
    usage: usageLine(grammar),
    about: command.about,
    arguments: Object.entries(grammar.positionals).map(([name, { brief, optional, many }]) => ({
      name,
      brief,
      optional: optional === true,
      many: many === true,
    })),
    options: Object.entries(shownFlags(grammar)).map(([name, { kind, short, value, brief, choices }]) => ({
      name: `--${name}`,
      short: short === undefined ? null : `-${short}`,
      value: value ?? null,
      many: kind === 'list',
      choices: choices ?? null,
      brief,
    })),
    subcommands: Object.entries(command.subcommands ?? {}).map(([name, { brief }]) => ({ name, brief })),
    examples: command.examples,
    exitStatuses: exits(route),
  }
}

function commandText(route: Route, style: Style): string {
  const { brief, command, grammar } = route
  const subcommands = Object.entries(command.subcommands ?? {}).map(([name, sub]) => [name, sub.brief] as const)
  const positionals = Object.entries(grammar.positionals).map(([name, positional]) => [name.toUpperCase(), positional.brief] as const)
  const usage = [usageLine(grammar), ...subcommands.map(([name]) => `hayai ${grammar.name} ${name} ...`)]
  const parts = [
    style.bold(brief),
    usage.map((line, index) => `${index === 0 ? style.bold('Usage') : '     '}  ${line}`).join('\n'),
    wrapped(command.about),
  ]
  if (positionals.length > 0) parts.push(section('Arguments', positionals, style))
  parts.push(
    section(
      'Options',
      Object.entries(shownFlags(grammar)).map(([name, flag]) => [spelling(name, flag), flag.brief]),
      style,
    ),
  )
  if (subcommands.length > 0) parts.push(section('Subcommands', subcommands, style))
  parts.push(section('Examples', Object.entries(command.examples), style))
  parts.push(
    section(
      'Exit status',
      exits(route).map(({ exit, meaning }) => [String(exit), meaning]),
      style,
    ),
  )
  return parts.join('\n\n')
}

interface Exit {
  readonly exit: number
  readonly code: string | null
  readonly meaning: string
}

function exits({ command }: Route): readonly Exit[] {
  const failures = (['USAGE', ...command.failures] as const).map((code) => ({ code, ...CODES[code] }))
  return [{ exit: 0, code: null, meaning: 'done' }, ...failures.toSorted((a, b) => a.exit - b.exit)]
}

function spelling(name: string, { short, value }: Flag): string {
  return `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`
}

/** A title, and pairs of which the second half stands in a column; where the first is too long, on a line of its own. */
function section(title: string, pairs: readonly (readonly [string, string])[], style: Style, least = 0): string {
  const width = Math.max(least, ...pairs.map(([left]) => (left.length > 44 ? 0 : left.length)))
  const lines = pairs.map(([left, right]) => {
    const gap = left.length > width ? `\n  ${' '.repeat(width)}` : ' '.repeat(width - left.length)
    return `  ${left}${gap}  ${style.dim(right)}`
  })
  return [style.bold(title), ...lines].join('\n')
}

function wrapped(paragraph: string): string {
  const width = Math.min(process.stdout.columns || 80, 100)
  const lines: string[] = []
  let line = ''
  for (const word of paragraph.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line].join('\n')
}
