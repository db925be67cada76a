// A child process that stays for the next question: to start one, and to load what it works with, takes longer than most questions do.
// It is asked one at a time, by lines, and stays only while it has no file open: so it holds no lock and is in nobody's way.

import { spawn } from 'node:child_process'
import { environment, ending, failure, stop, tail, type Command } from './exec.ts'
import { errorIn, linesIn, parseLine, type Line } from './lines.ts'

/** The verb by which a child is told to stay. */
export const STANDING = 'standing'

/** Told before the answer by one that will not be asked again. */
export const LAST = `${JSON.stringify({ event: 'last' })}\n`

/** Milliseconds for which nothing is asked of it before it ends. */
const IDLE = 3000

interface Standing {
  ask(question: string, signal: AbortSignal | undefined): Promise<Line>
  /** Whether it can be asked again. */
  readonly stays: boolean
  end(): void
}

const idle = new Map<string, Standing[]>()

/**
 * One question, one answer, of a child that is here already or is started. What it calls an error is thrown; TOOL_FAILED when it ends
 * instead, with its last words. The signal ends it.
 */
export async function askStanding(script: string, verb: string, request: unknown, signal?: AbortSignal): Promise<unknown> {
  signal?.throwIfAborted()
  const command: Command = { file: process.execPath, args: [script, STANDING] }
  // What was started in another folder, or with other settings, would find other things.
  const kind = JSON.stringify([script, process.cwd(), environment()])
  const child = taken(kind) ?? start(command, kind)
  const line = await child.ask(`${JSON.stringify({ verb, request })}\n`, signal)
  if (child.stays) keep(kind, child)
  const error = errorIn(line)
  if (error !== undefined) throw error
  return line['answer']
}

function taken(kind: string): Standing | undefined {
  return idle.get(kind)?.pop()
}

function keep(kind: string, child: Standing): void {
  const others = idle.get(kind) ?? []
  idle.set(kind, [...others, child])
}

function forget(kind: string, child: Standing): void {
  const others = (idle.get(kind) ?? []).filter((each) => each !== child)
  if (others.length === 0) idle.delete(kind)
  else idle.set(kind, others)
}

function start(command: Command, kind: string): Standing {
  const child = spawn(command.file, [...command.args], { env: environment(), stdio: ['pipe', 'pipe', 'pipe'], detached: true })
  const { stdin, stdout, stderr } = child
  const ended = ending(child, command)
  const words = tail(stderr)
  for (const each of [ended, words]) each.catch(() => {}) // heard of when something is asked
  stdin.on('error', () => {}) // its end tells more
  const lines = linesIn(stdout)
  let stays = true
  const handles = [child, stdin, stdout, stderr] as unknown as readonly NodeJS.RefCounted[] // the pipes are sockets
  const hold = (held: boolean): void => {
    for (const each of handles) {
      if (held) each.ref()
      else each.unref()
    }
  }
  const standing: Standing = {
    get stays() {
      return stays
    },
    async ask(question, signal) {
      clearTimeout(tired)
      hold(true)
      const onAbort = (): void => void stop(child)
      signal?.addEventListener('abort', onAbort, { once: true })
      try {
        stdin.write(question)
        const line = await answer(signal)
        if (stays) rest()
        else {
          stdin.end()
          await ended // only then it has let go of what it had open
        }
        return line
      } catch (error) {
        stays = false
        await stop(child)
        throw error
      } finally {
        signal?.removeEventListener('abort', onAbort)
      }
    },
    end() {
      stays = false
      forget(kind, standing)
      stdin.end()
    },
  }
  async function answer(signal: AbortSignal | undefined): Promise<Line> {
    for (;;) {
      const { value, done } = await lines.next()
      signal?.throwIfAborted()
      if (done === true) {
        const { code, signal: by } = await ended
        throw failure(command, code, by, await words)
      }
      const line = parseLine(value)
      if (line['event'] === 'last') stays = false
      else if ('answer' in line || 'error' in line) return line
    }
  }
  let tired: NodeJS.Timeout | undefined
  function rest(): void {
    hold(false)
    tired = setTimeout(standing.end, IDLE).unref()
  }
  ended.then(standing.end, standing.end)
  return standing
}
