// From the words of a command line to the command they mean.

import { HayaiError, nearest } from '../index.ts'
import { firstWord, type Grammar } from './arguments.ts'
import type { Command } from './command.ts'
import { verbCalled, verbNames } from './verbs.ts'

export interface Route {
  readonly brief: string
  readonly command: Command
  readonly grammar: Grammar
  /** What is left for the command itself. */
  readonly args: readonly string[]
}

/** The command that a line means. A subcommand is the first word behind its command: a database's name cannot be one. */
export async function routeOf(name: string, args: readonly string[]): Promise<Route> {
  const verb = verbCalled(name)
  if (verb === undefined) throw unknownCommand(name, verbNames())
  const command = await verb.load()
  const route = { brief: verb.brief, command, grammar: grammarOf(name, command), args }
  const at = command.subcommands === undefined ? -1 : firstWord(route.grammar, args)
  const word = args[at]
  if (word === undefined || command.subcommands === undefined || !Object.hasOwn(command.subcommands, word)) return route
  const sub = command.subcommands[word]
  if (sub === undefined) return route
  const loaded = await sub.load()
  return { brief: sub.brief, command: loaded, grammar: grammarOf(`${name} ${word}`, loaded), args: args.toSpliced(at, 1) }
}

export function unknownCommand(name: string, known: readonly string[]): HayaiError {
  const near = nearest(name, known)
  return new HayaiError('USAGE', `there is no command ${JSON.stringify(name)}`, {
    hint: `${near === undefined ? '' : `Did you mean \`hayai ${near}\`? `}\`hayai --help\` lists the commands.`,
  })
}

function grammarOf(name: string, { flags, positionals }: Command): Grammar {
  return { name, flags, positionals }
}
