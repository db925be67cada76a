// What may stand where a person pressed Tab. It answers quickly or not at all, and it never shows an error: a shell asks in
// the middle of a line that somebody is typing.

import { basename } from 'node:path'
import { engines, HayaiError, openProject } from '../index.ts'
import { flagsOf, type Flag, type Flags, type Proposal } from './arguments.ts'
import type { Command } from './command.ts'
import { routeOf } from './route.ts'
import { GROUPS, verbCalled } from './verbs.ts'
import { age } from './wording.ts'

/** A word, and what it means. */
type Candidate = readonly [word: string, meaning: string]

const PATIENCE = 2000

/** `words` are those behind `hayai`, the last one unfinished. */
export async function complete(words: readonly string[]): Promise<void> {
  process.once('SIGALRM', () => process.exit())
  setTimeout(() => process.kill(process.pid, 'SIGALRM'), PATIENCE).unref()
  const current = words.at(-1) ?? ''
  let candidates: readonly Candidate[]
  try {
    candidates = await candidatesFor(words.slice(0, -1), current)
  } catch {
    return // half a line is seldom a valid one, and here is nobody to be told
  }
  const lines = candidates
    .filter(([word]) => word.startsWith(':') || word.startsWith(current))
    .map(([word, meaning]) => clean(word, meaning))
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`)
}

function clean(word: string, meaning: string): string {
  return meaning === '' ? word : `${word}\t${meaning.replaceAll(/\s+/g, ' ')}`
}

async function candidatesFor(before: readonly string[], current: string): Promise<readonly Candidate[]> {
  const at = before.findIndex((word) => !word.startsWith('-'))
  const name = before[at]
  if (name === undefined)
    return current.startsWith('-')
      ? [
          ['--help', ''],
          ['--version', ''],
          ['--json', ''],
        ]
      : verbs()
  const { command, grammar, args } = await routeOf(name, before.slice(at + 1))
  const flags = flagsOf(grammar)
  const [flagText, typed] = current.startsWith('--') && current.includes('=') ? cut(current) : []
  if (flagText !== undefined && typed !== undefined) {
    const values = await valuesOf(flagNamed(flags, flagText), typed, wordsOf(flags, args))
    return values.map(([word, meaning]) => [word.startsWith(':') ? word : `${flagText}=${word}`, meaning])
  }
  const open = openFlag(flags, args)
  if (open !== undefined) return valuesOf(open, current, wordsOf(flags, args.slice(0, -1)))
  if (args.includes('--') && Object.values(grammar.positionals).some(({ behind }) => behind === true)) return [[':files', '']]
  if (current.startsWith('-') && !args.includes('--')) return flagCandidates(flags, args)
  const words = wordsOf(flags, args)
  const subcommands = words.length === 0 ? subcommandsOf(command) : []
  return [...subcommands, ...(await positional(command, words, current))]
}

function cut(word: string): readonly [string, string] {
  const at = word.indexOf('=')
  return [word.slice(0, at), word.slice(at + 1)]
}

function verbs(): readonly Candidate[] {
  return GROUPS.flatMap(({ verbs }) => Object.entries(verbs).map(([name, { brief }]) => [name, brief] as const))
}

function subcommandsOf(command: Command): readonly Candidate[] {
  return Object.entries(command.subcommands ?? {}).map(([name, { brief }]) => [name, brief] as const)
}

function flagCandidates(flags: Flags, args: readonly string[]): readonly Candidate[] {
  return Object.entries(flags).flatMap(([name, { kind, brief, hidden }]) =>
    hidden === true || (args.includes(`--${name}`) && kind !== 'list') ? [] : [[`--${name}`, brief] as const],
  )
}

function flagNamed(flags: Flags, text: string): Flag | undefined {
  if (text.startsWith('--')) return Object.hasOwn(flags, text.slice(2)) ? flags[text.slice(2)] : undefined
  return Object.values(flags).find(({ short }) => text === `-${short}`)
}

/** The flag that still waits for its value. */
function openFlag(flags: Flags, args: readonly string[]): Flag | undefined {
  const flag = args.includes('--') ? undefined : flagNamed(flags, args.at(-1) ?? '')
  return flag?.kind === 'switch' ? undefined : flag
}

/** What is neither a flag nor a flag's value. */
function wordsOf(flags: Flags, args: readonly string[]): readonly string[] {
  const words: string[] = []
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? ''
    if (word === '--') return [...words, ...args.slice(at + 1)]
    if (!word.startsWith('-')) words.push(word)
    else if ((flagNamed(flags, word)?.kind ?? 'switch') !== 'switch') at++
  }
  return words
}

async function positional({ positionals }: Command, words: readonly string[], current: string): Promise<readonly Candidate[]> {
  const places = Object.values(positionals)
  const place = places[words.length] ?? places.find(({ many }) => many === true)
  if (place?.proposes === undefined) return []
  if (place.proposes === 'commands') return commands(words)
  const candidates = await proposed(place.proposes, current)
  return candidates.filter(([word]) => !words.includes(word))
}

async function commands(words: readonly string[]): Promise<readonly Candidate[]> {
  const [name] = words
  const verb = name === undefined ? undefined : verbCalled(name)
  if (name === undefined) return verbs()
  return verb === undefined ? [] : subcommandsOf(await verb.load())
}

async function valuesOf(flag: Flag | undefined, current: string, words: readonly string[]): Promise<readonly Candidate[]> {
  if (flag?.proposes === 'formats') return formats(words)
  if (flag?.choices !== undefined) return proposed(flag.choices, current)
  return flag?.proposes === undefined ? [] : proposed(flag.proposes, current)
}

async function proposed(proposal: Proposal, current: string): Promise<readonly Candidate[]> {
  switch (proposal) {
    case 'files':
    case 'folders':
      return [[`:${proposal}`, '']]
    case 'engines':
      return engines().map(({ name, title }) => [name, title])
    case 'formats':
      return formats([])
    case 'databases':
      return orNone(databases())
    case 'snapshots':
      return [...(await orNone(databases())), ...(await orNone(newest())), ...(await orNone(snapshots(current))), [':files', '']]
    case 'backups':
      return [...(await orNone(backups())), [':folders', '']]
    case 'deleted':
      return orNone(deleted())
    case 'plans':
      return orNone(plans())
    case 'notifications':
      return orNone(notifications())
    case 'commands':
      return verbs()
    default:
      return proposal.map((word) => [word, ''])
  }
}

/** Where there is no project there are no names; paths can still be completed. */
async function orNone<T>(candidates: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await candidates
  } catch (error) {
    if (error instanceof HayaiError) return []
    throw error
  }
}

async function databases(): Promise<readonly Candidate[]> {
  const project = await openProject()
  return (await project.list()).map(({ name, engine, status }) => [name, `${engine}, ${status}`])
}

/** Those of the database that is named already; of all engines when none is. */
async function formats(words: readonly string[]): Promise<readonly Candidate[]> {
  const project = words.length === 0 ? undefined : await openProject()
  const own = (await orNone(project?.list() ?? Promise.resolve([]))).filter(({ name }) => words.includes(name))
  const of = engines().filter(({ name }) => own.length === 0 || own.some(({ engine }) => engine === name))
  return [...new Set(of.flatMap((engine) => engine.formats))].map((format) => [format, ''])
}

/** Of each database that has a snapshot. */
async function newest(): Promise<readonly Candidate[]> {
  const project = await openProject()
  const own = (await project.snapshots()).filter(({ foreign, manifest }) => !foreign && manifest !== null) // the newest first
  const first = new Map(own.toReversed().map(({ database, created }) => [database, created]))
  return [...first].map(([database, created]) => [`${database}@latest`, `its newest snapshot, ${age(created)}`])
}

/** By file name; by id once something was typed that an id could begin with. */
async function snapshots(current: string): Promise<readonly Candidate[]> {
  const project = await openProject()
  const byId = /^[0-9a-f]+$/.test(current)
  return (await project.snapshots()).flatMap(({ id, path, database, created }) => {
    const meaning = `${database || 'foreign'}, ${age(created)}`
    return [
      [basename(path), meaning] as const,
      ...(byId && id !== '' ? [[id.slice(0, Math.max(8, current.length)), meaning] as const] : []),
    ]
  })
}

async function backups(): Promise<readonly Candidate[]> {
  const project = await openProject()
  return (await project.backups()).map(({ name, created }) => [name, created === null ? '' : age(created)])
}

async function plans(): Promise<readonly Candidate[]> {
  const project = await openProject()
  return (await project.plans()).map(({ name, nextLocal }) => [name, nextLocal === null ? '' : `next ${nextLocal}`])
}

async function deleted(): Promise<readonly Candidate[]> {
  const project = await openProject()
  return (await project.deletedSnapshots()).map(({ name, database, deletedAt }) => [name, `${database}, deleted ${age(deletedAt)}`])
}

async function notifications(): Promise<readonly Candidate[]> {
  const project = await openProject()
  return (await project.notifications()).map(({ name, kind }) => [name, kind])
}
