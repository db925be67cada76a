// What a command takes, as a table, and what a person typed, checked against it. Every mistake is a USAGE error that says
// what is wrong and what would be right; docs/decisions/0002-arguments.md says why this stands on node:util.

import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { HayaiError, nearest } from '../index.ts'

/** What completion offers in a place: names that only the project knows, or words that are always the same. */
export type Proposal =
  | 'databases'
  | 'snapshots'
  | 'backups'
  | 'plans'
  | 'deleted'
  | 'folders'
  | 'files'
  | 'engines'
  | 'formats'
  | 'commands'
  | 'notifications'
  | readonly string[]

export interface Flag {
  /** `list`: may be given more than once, and all of them count. Of the others the last one counts. */
  readonly kind: 'switch' | 'text' | 'whole' | 'list'
  readonly short?: string
  /** What help calls the value: `DIR`. */
  readonly value?: string
  readonly brief: string
  /** The only values there are. */
  readonly choices?: readonly string[]
  readonly proposes?: Proposal
  readonly mayBeEmpty?: boolean
  /** Understood, but neither shown nor proposed: another spelling of a flag that is. */
  readonly hidden?: boolean
}

export interface Positional {
  readonly brief: string
  readonly optional?: boolean
  /** All that are left, none included. Only the last one may be so. */
  readonly many?: boolean
  /** Everything behind `--`, as it is: a command line of its own. */
  readonly behind?: boolean
  readonly proposes?: Proposal
}

export type Flags = Readonly<Record<string, Flag>>
/** By name, in the order in which they are typed. */
export type Positionals = Readonly<Record<string, Positional>>

export type FlagValue = boolean | number | string | readonly string[] | undefined
export type ArgumentValue = string | readonly string[] | undefined

export type FlagValues<F extends Flags> = { readonly [K in keyof F]: ValueOf<F[K]['kind']> }
type ValueOf<K extends Flag['kind']> = K extends 'switch'
  ? boolean
  : K extends 'list'
    ? readonly string[]
    : K extends 'whole'
      ? number | undefined
      : string | undefined

export type ArgumentValues<P extends Positionals> = {
  readonly [K in keyof P]: P[K] extends { readonly many: true } | { readonly behind: true }
    ? readonly string[]
    : P[K] extends { readonly optional: true }
      ? string | undefined
      : string
}

/** Flags that every command takes. */
export const EVERYWHERE = {
  json: { kind: 'switch', brief: 'Answer with one JSON document on standard output' },
  help: { kind: 'switch', short: 'h', brief: 'Show this help' },
} as const satisfies Flags

/** Flags of every command that changes something. */
export const CHANGING = {
  'dry-run': { kind: 'switch', brief: 'Say what would be done, and change nothing' },
  yes: { kind: 'switch', short: 'y', brief: 'Ask no question' },
} as const satisfies Flags

export interface Grammar {
  /** `snapshot list` */
  readonly name: string
  readonly flags: Flags
  readonly positionals: Positionals
}

export interface Parsed {
  readonly flags: Readonly<Record<string, FlagValue>>
  readonly args: Readonly<Record<string, ArgumentValue>>
}

/** Whether help is asked for, whatever else is wrong with the line. */
export function asksForHelp(grammar: Grammar, args: readonly string[]): boolean {
  return tokensOf(grammar, args).some((token) => token.kind === 'option' && token.name === 'help')
}

/** Where the first word that is no flag and no flag's value stands; -1 when there is none before `--`. */
export function firstWord(grammar: Grammar, args: readonly string[]): number {
  for (const token of tokensOf(grammar, args)) {
    if (token.kind === 'option-terminator') return -1
    if (token.kind === 'positional') return token.index
  }
  return -1
}

export function parse(grammar: Grammar, args: readonly string[]): Parsed {
  const known = flagsOf(grammar)
  const flags: Record<string, FlagValue> = {}
  for (const [name, flag] of Object.entries(known)) flags[name] = flag.kind === 'switch' ? false : flag.kind === 'list' ? [] : undefined
  const words: string[] = []
  const behind: string[] = []
  let over = false
  const takesAll = Object.values(grammar.positionals).some((positional) => positional.behind === true)
  for (const token of tokensOf(grammar, args)) {
    if (token.kind === 'option-terminator') over = takesAll
    if (token.kind === 'positional') (over ? behind : words).push(token.value)
    if (token.kind !== 'option') continue
    const flag = Object.hasOwn(known, token.name) ? known[token.name] : undefined
    if (flag === undefined) throw unknownFlag(grammar, token.rawName)
    flags[token.name] = valueOf(flag, token, flags[token.name])
  }
  return { flags, args: place(grammar, words, behind) }
}

/** Those of its flags that are shown. */
export function shownFlags(grammar: Grammar): Flags {
  return Object.fromEntries(Object.entries(flagsOf(grammar)).filter(([, { hidden }]) => hidden !== true))
}

/** Everything the command takes, with the flags that every command takes. */
export function flagsOf(grammar: Grammar): Flags {
  return { ...grammar.flags, ...EVERYWHERE }
}

export function usageLine(grammar: Grammar): string {
  const words = Object.entries(grammar.positionals).map(([name, { optional, many, behind }]) => {
    const word = name.toUpperCase()
    return behind === true ? `-- ${word}...` : many === true ? `[${word}...]` : optional === true ? `[${word}]` : word
  })
  const last = words.filter((word) => word.startsWith('--'))
  return ['hayai', grammar.name, ...words.filter((word) => !last.includes(word)), '[options]', ...last].join(' ')
}

type Token = NonNullable<ReturnType<typeof parseArgs<{ strict: false; tokens: true }>>['tokens']>[number]
type OptionToken = Extract<Token, { kind: 'option' }>

function tokensOf(grammar: Grammar, args: readonly string[]): readonly Token[] {
  const options: ParseArgsOptionsConfig = {}
  for (const [name, { kind, short }] of Object.entries(flagsOf(grammar))) {
    options[name] = { type: kind === 'switch' ? 'boolean' : 'string', ...(short === undefined ? {} : { short }) }
  }
  return parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true }).tokens
}

function valueOf(flag: Flag, { rawName, value, inlineValue }: OptionToken, before: FlagValue): FlagValue {
  if (flag.kind === 'switch') {
    if (value === undefined) return true
    throw new HayaiError('USAGE', `${rawName} takes no value`, { hint: `Write ${rawName} alone, or leave it out.` })
  }
  // `-o=x` means x to everybody but POSIX.
  const given = inlineValue === true && !rawName.startsWith('--') && value?.startsWith('=') ? value.slice(1) : value
  if (given === undefined || (inlineValue !== true && /^--?[A-Za-z]/.test(given))) throw needsValue(flag, rawName, given)
  if (given === '' && flag.mayBeEmpty !== true) throw needsValue(flag, rawName, undefined)
  if (flag.choices !== undefined && !flag.choices.includes(given)) throw wrongChoice(rawName, given, flag.choices)
  if (flag.kind === 'list') return [...(typeof before === 'object' ? before : []), given]
  return flag.kind === 'whole' ? wholeNumber(flag, rawName, given) : given
}

function wholeNumber(flag: Flag, rawName: string, given: string): number {
  if (/^\d{1,15}$/.test(given)) return Number(given)
  throw new HayaiError('USAGE', `${rawName} needs a whole number, not ${JSON.stringify(given)}`, {
    hint: `Write ${rawName} ${flag.value ?? 'NUMBER'}, in digits.`,
  })
}

export function wrongChoice(where: string, given: string, choices: readonly string[]): HayaiError {
  const near = nearest(given, choices)
  return new HayaiError('USAGE', `${where} cannot be ${JSON.stringify(given)}`, {
    hint: `${near === undefined ? '' : `Did you mean "${near}"? `}It can be: ${choices.join(', ')}.`,
  })
}

function needsValue(flag: Flag, rawName: string, given: string | undefined): HayaiError {
  const joined = rawName.startsWith('--') ? `${rawName}=${given}` : `${rawName}${given}`
  return new HayaiError('USAGE', `${rawName} needs a value`, {
    hint: given === undefined ? `Write ${rawName} ${flag.value ?? 'VALUE'}.` : `If ${given} is the value, write ${joined}.`,
  })
}

function unknownFlag(grammar: Grammar, rawName: string): HayaiError {
  const near = rawName.startsWith('--') ? nearest(rawName.slice(2), Object.keys(shownFlags(grammar))) : undefined
  return new HayaiError('USAGE', `hayai ${grammar.name} has no option ${rawName}`, {
    hint: `${near === undefined ? '' : `Did you mean --${near}? `}\`hayai ${grammar.name} --help\` shows them all.`,
  })
}

function place(grammar: Grammar, words: readonly string[], behind: readonly string[]): Readonly<Record<string, ArgumentValue>> {
  const hint = `It is used as: ${usageLine(grammar)}`
  if (words.includes('')) throw new HayaiError('USAGE', `an argument of hayai ${grammar.name} is empty`, { hint })
  const left = [...words]
  const placed: Record<string, ArgumentValue> = {}
  for (const [name, positional] of Object.entries(grammar.positionals)) {
    if (positional.behind === true) {
      if (behind[0] === undefined || behind[0] === '')
        throw new HayaiError('USAGE', `hayai ${grammar.name} needs a ${name.toUpperCase()} behind --: ${positional.brief}`, { hint })
      placed[name] = behind
      continue
    }
    placed[name] = positional.many === true ? left.splice(0) : left.shift()
    if (placed[name] === undefined && positional.optional !== true) {
      throw new HayaiError('USAGE', `hayai ${grammar.name} needs a ${name.toUpperCase()}: ${positional.brief}`, { hint })
    }
  }
  const [extra] = left
  if (extra !== undefined)
    throw new HayaiError('USAGE', `${JSON.stringify(extra)} is one argument too many for hayai ${grammar.name}`, { hint })
  return placed
}
