// The command line: which command is meant, its answer on standard output, its failure on standard error, its exit status.

import { asRefusal, CODES, HayaiError, type Code, type Secret } from '../index.ts'
import { asksForHelp, parse } from './arguments.ts'
import type { Answer, Session } from './command.ts'
import { listenForInterrupts, type Interrupts } from './interrupts.ts'
import { failureOf, failureText, jsonAnswer, jsonFailure, statusLine, styleFor, type StatusLine } from './output.ts'
import { progressOn } from './progress.ts'

export async function main(args: readonly string[], version: string): Promise<void> {
  if (args[0] === '__complete') {
    const { complete } = await import('./complete.ts')
    return complete(args.slice(1))
  }
  const json = asksForJson(args)
  const line = statusLine(process.stderr, !json)
  const interrupts = listenForInterrupts(() => line.show('interrupted: clearing up (once more to leave at once)'))
  const run: Run = { args, version, json, line, interrupts, name: 'hayai', over: false }
  quietPipes(run)
  process.on('uncaughtException', (error) => {
    fail(run, error)
    process.exit()
  })
  try {
    await say(run, await answerOf(run))
  } catch (error) {
    fail(run, error)
  }
}

interface Run {
  readonly args: readonly string[]
  readonly version: string
  readonly json: boolean
  readonly line: StatusLine
  readonly interrupts: Interrupts
  /** What JSON calls the command: the most that is known of it. */
  name: string
  /** An answer or a failure was given: there is no second one. */
  over: boolean
}

async function answerOf(run: Run): Promise<Answer> {
  const { name, args } = lineOf(run)
  const { routeOf } = await import('./route.ts')
  const route = await routeOf(name, args)
  run.name = route.grammar.name
  if (asksForHelp(route.grammar, route.args)) return (await import('./help.ts')).helpOf(route)
  return route.command.run(parse(route.grammar, route.args), sessionOf(run))
}

interface Line {
  readonly name: string
  readonly args: readonly string[]
}

/** The command and what it is given; `hayai` alone asks for help, and so do the flags that stand where a command should. */
function lineOf(run: Run): Line {
  const at = run.args.findIndex((word) => !word.startsWith('-'))
  const before = at === -1 ? run.args : run.args.slice(0, at)
  const name = at === -1 ? undefined : run.args[at]
  run.name = name ?? run.name
  const json = before.filter((flag) => flag === '--json')
  for (const flag of before) {
    if (flag === '--help' || flag === '-h') return { name: 'help', args: name === undefined ? json : [...json, name] }
    if (flag === '--version' || flag === '-v') return { name: 'version', args: json }
    if (flag !== '--json') {
      throw new HayaiError('USAGE', `hayai has no option ${flag}`, { hint: 'Options stand behind the command: `hayai list --running`.' })
    }
  }
  return name === undefined ? { name: 'help', args: json } : { name, args: [...json, ...run.args.slice(at + 1)] }
}

function asksForJson(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  return (end === -1 ? args : args.slice(0, end)).includes('--json')
}

function sessionOf({ version, json, line, interrupts }: Run): Session {
  const interactive = !json && process.stdin.isTTY && process.stderr.isTTY
  const askPassphrase = async (about: string): Promise<Secret> => {
    line.clear()
    return (await import('./questions.ts')).askPassphrase(about, interrupts.signal)
  }
  return {
    version,
    json,
    terminal: process.stdout.isTTY,
    interactive,
    watch: { signal: interrupts.signal, onProgress: progressOn(line) },
    open: async (options) => (await import('../index.ts')).openProject({ ...options, ...(interactive && { askPassphrase }) }),
    tell(text) {
      line.clear()
      process.stderr.write(`${text(styleFor(process.stderr))}\n`)
    },
    lend(heard, work) {
      line.clear()
      return interrupts.lend(heard, work)
    },
  }
}

async function say(run: Run, answer: Answer): Promise<void> {
  run.line.clear()
  if ('stream' in answer) {
    for await (const bytes of answer.stream) process.stdout.write(bytes)
    const interrupted = run.interrupts.status()
    if (interrupted !== undefined && answer.endless !== true) process.exitCode = interrupted
  } else {
    const text = run.json ? jsonAnswer(run.name, answer.data) : answer.text(styleFor(process.stdout))
    if (text !== '') process.stdout.write(`${text}\n`)
    if (answer.exit !== undefined) process.exitCode = answer.exit
  }
  run.over = true
}

function fail(run: Run, thrown: unknown): void {
  const interrupted = run.interrupts.status()
  const error =
    interrupted !== undefined && isAbort(thrown) ? new HayaiError('INTERRUPTED', 'interrupted', { cause: thrown }) : asRefusal(thrown)
  const failure = failureOf(error)
  process.exitCode = error instanceof HayaiError ? error.exitStatus : CODES.UNEXPECTED.exit
  if (interrupted !== undefined && failure.code === ('INTERRUPTED' satisfies Code)) process.exitCode = interrupted
  run.line.clear()
  if (run.json && !run.over) process.stdout.write(`${jsonFailure(run.name, failure)}\n`)
  else process.stderr.write(`${failureText(failure, error, styleFor(process.stderr))}\n`)
  run.over = true
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

// A reader that has enough (`| head`) ends the program, and quietly: what is printed is printed after the work is done.
function quietPipes(run: Run): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    run.interrupts.stop()
    if (error.code === 'EPIPE') return
    run.over = true
    fail(run, new HayaiError('STORE_FAILED', `standard output cannot be written: ${error.message}`, { cause: error }))
  })
  process.stderr.on('error', () => {}) // there is nobody left to tell
}
