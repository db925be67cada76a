// Running a program so that its failure cannot be missed: its output ends only if it exited 0, its stderr is drained to a
// bounded tail, its input is written with back-pressure, and it never outlives the reader that lost interest.

import { spawn, type ChildProcess } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { basename, delimiter, isAbsolute, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { text, type Bytes } from './bytes.ts'
import { HayaiError, systemCode } from './errors.ts'
import { endOf, followed, landed, type Landing } from './landing.ts'
import { Secret } from './secret.ts'

export interface Command {
  /** An absolute path, or a name that is looked for on PATH. */
  readonly file: string
  /** A program, and its arguments, that becomes this one: `setpriv ... <file> <args>`. */
  readonly through?: readonly string[]
  /** Seen by every user of the machine: never a secret. */
  readonly args: readonly string[]
  /** Added to a small, fixed environment. */
  readonly env?: Readonly<Record<string, string | Secret>>
  readonly cwd?: string
  readonly account?: { readonly uid: number; readonly gid: number }
  /** Open descriptors that the program gets as 3, 4, ... */
  readonly descriptors?: readonly number[]
  readonly signal?: AbortSignal
  /** The program may stop reading its input early and still succeed. */
  readonly closedStdinIsFine?: boolean
  /** Its standard output goes into this file, and has been written there when it is yielded. */
  readonly into?: Landing | undefined
}

/** Its standard output. Throws TOOL_FAILED with the program's last words when it does not exit 0, ENVIRONMENT when it cannot be started. */
export async function* run(command: Command, input?: Bytes): Bytes {
  command.signal?.throwIfAborted()
  const { into, through = [] } = command
  const mortal = into === undefined ? undefined : await mortally()
  if (into === undefined) yield* piped(command, input, through)
  else if (mortal === undefined) yield* landed(piped(command, input, through), into)
  else yield* piped(command, input, [...mortal, ...through], into)
}

// A program that writes into a pipe ends when nobody reads it any more. One that writes into a file would go on after this process
// was killed: so the system is told to end it then. undefined where it cannot be told that. And where it can, it writes in larger
// pieces than the C library's 4 KiB, each of which costs it a call of the system: 1 GB of SQL half a second of a processor.
let asked: Promise<readonly string[] | undefined> | undefined
function mortally(): Promise<readonly string[] | undefined> {
  return (asked ??= (async () => {
    const setpriv = process.platform === 'linux' ? await findOnPath('setpriv') : undefined
    if (setpriv === undefined) return undefined
    const mortal = [setpriv, '--pdeathsig', 'KILL', '--']
    const stdbuf = await findOnPath('stdbuf')
    const ways = stdbuf === undefined ? [mortal] : [[...mortal, stdbuf, '--output=256K'], mortal]
    for (const way of ways) if (await works(way)) return way
    return undefined
  })())
}

function works(through: readonly string[]): Promise<boolean> {
  return output({ file: 'true', args: [], through }).then(
    () => true,
    () => false,
  )
}

async function* piped(command: Command, input: Bytes | undefined, through: readonly string[], into?: Landing): Bytes {
  const [program = command.file, ...args] = [...through, command.file, ...command.args]
  const from = into === undefined ? 0 : await endOf(into)
  const child = spawn(program, args, {
    env: environment(command.env),
    cwd: command.cwd,
    ...(command.account === undefined ? {} : command.account),
    stdio: [input === undefined ? 'ignore' : 'pipe', into?.descriptor ?? 'pipe', 'pipe', ...(command.descriptors ?? [])],
    detached: true, // a process group of its own, so that what it starts ends with it
  })
  const ended = ending(child, command)
  ended.catch(() => {}) // it is awaited below, in its turn
  const { stdin, stdout, stderr } = child
  const source = into === undefined ? stdout : followed(into, from, ended)
  if (source === null || stderr === null) throw new Error('a pipe was asked for and is not there')
  const words = tail(stderr)
  words.catch(() => {}) // nobody asks for them when it was stopped
  const fed = feed(stdin, input, child)
  fed.catch(() => {})
  const onAbort = (): void => void stop(child)
  command.signal?.addEventListener('abort', onAbort, { once: true })
  let finished = false
  try {
    for await (const chunk of source) yield chunk
    const { code, signal } = await ended
    command.signal?.throwIfAborted()
    const stopped = await fed // what the source says weighs more than what the program made of a source that broke
    if (code !== 0) throw failure(command, code, signal, await words)
    if (stopped && command.closedStdinIsFine !== true) {
      throw new HayaiError('TOOL_FAILED', `${basename(command.file)} stopped reading before the end of its input`, {
        details: { program: basename(command.file), stderr: await words },
      })
    }
    finished = true
  } catch (error) {
    command.signal?.throwIfAborted() // what ends a program may break its pipe first
    throw error
  } finally {
    command.signal?.removeEventListener('abort', onAbort)
    if (!finished) await stop(child)
  }
}

/** Runs to the end and gives what was printed, trimmed. For output that is known to be small. */
export async function output(command: Command, input?: Bytes): Promise<string> {
  return (await text(run(command, input))).trim()
}

export async function findOnPath(name: string): Promise<string | undefined> {
  if (isAbsolute(name)) return (await executable(name)) ? name : undefined
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    if (folder !== '' && (await executable(join(folder, name)))) return join(folder, name)
  }
  return undefined
}

async function executable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

// Only these are handed on: a PGOPTIONS or a LANGUAGE of the person's shell must not change what a dump says.
const HANDED_ON = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'TMPDIR',
  'TZ',
  'LD_LIBRARY_PATH',
  'DYLD_LIBRARY_PATH',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
]

/** The environment that programs get: a few names of ours, and what the caller adds. */
export function environment(added: Command['env'] = {}): Record<string, string> {
  const result: Record<string, string> = { LC_ALL: 'C.UTF-8', LANG: 'C.UTF-8' }
  for (const name of HANDED_ON) {
    const value = process.env[name]
    if (value !== undefined) result[name] = value
  }
  for (const [name, value] of Object.entries(added)) result[name] = value instanceof Secret ? value.reveal() : value
  return result
}

interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export function ending(child: ChildProcess, command: Command): Promise<Ending> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      const missing = systemCode(error) === 'ENOENT'
      reject(
        new HayaiError(
          'ENVIRONMENT',
          `${basename(command.file)} ${missing ? 'is not on this machine' : `cannot be started: ${error.message}`}`,
          {
            hint: missing ? `Install it, or put it on PATH.` : `Look at the permissions of ${command.file}.`,
            cause: error,
          },
        ),
      )
    })
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
}

/** Writes the input; true when the program closed its end before the input's. Throws what the source throws. */
async function feed(stdin: Writable | null, input: Bytes | undefined, child: ChildProcess): Promise<boolean> {
  if (stdin === null || input === undefined) return false
  let closed = false
  let wake = (): void => {}
  stdin.on('error', () => (closed = true)) // EPIPE: the program's exit status tells more
  let leave = (): void => {}
  stdin.on('close', () => {
    closed ||= !stdin.writableFinished
    wake()
    leave()
  })
  stdin.on('drain', () => wake())
  const source = input[Symbol.asyncIterator]()
  try {
    for (;;) {
      // A source that is silent must not outlast the program. (Not by Promise.race with one lasting promise: that keeps every chunk.)
      const next = await new Promise<IteratorResult<Uint8Array> | undefined>((resolve, reject) => {
        leave = () => resolve(undefined)
        if (closed) leave()
        else source.next().then(resolve, reject)
      })
      if (next === undefined || next.done === true) break
      if (closed) break
      if (!stdin.write(next.value) && !closed) await new Promise<void>((resolve) => (wake = resolve))
    }
  } catch (error) {
    await stop(child)
    throw error
  }
  if (closed) {
    void source.return?.()?.catch(() => {}) // it may be waiting for something that never comes: nobody waits for it
    return true
  }
  await new Promise<void>((resolve) => {
    wake = resolve
    stdin.end(resolve)
  })
  return closed
}

const TAIL = 8 * 1024

/** Reads a stream to its end and keeps its last bytes, whatever its length. */
export async function tail(stream: Readable): Promise<string> {
  let kept = Buffer.alloc(0)
  for await (const chunk of stream) kept = Buffer.concat([kept, chunk]).subarray(-TAIL)
  return kept.toString('utf8').trim()
}

export function failure(command: Command, code: number | null, signal: NodeJS.Signals | null, words: string): HayaiError {
  const program = basename(command.file)
  const how = code === null ? `was ended by ${signal ?? 'a signal'}` : `failed (exit ${code})`
  const last = words.split('\n').slice(-4).join('\n')
  return new HayaiError('TOOL_FAILED', last === '' ? `${program} ${how} and said nothing` : `${program} ${how}: ${last}`, {
    details: { program, exit: code, signal, stderr: words },
  })
}

/** Ends the program and all that it started: asks first, and does not ask twice. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return
  const gone = (): boolean => child.exitCode !== null || child.signalCode !== null
  signalGroup(child.pid, 'SIGTERM')
  for (let waited = 0; waited < 3000 && !gone(); waited += 20) await sleep(20)
  signalGroup(child.pid, 'SIGKILL')
  child.stdin?.destroy()
  child.stdout?.destroy()
  child.stderr?.destroy()
  for (let waited = 0; waited < 3000 && !gone(); waited += 20) await sleep(20)
}

function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal)
  } catch (error) {
    if (systemCode(error) !== 'ESRCH') throw error
  }
}
