// One server process: started so that it is never unknown, waited for by a query, stopped by number *and* start.
//
// The process is recorded before the server's program runs in it: a shell of the same process id waits at a gate, its id is
// written durably, and only then is it let through (`exec`). If Hayai dies first, the gate's pipe closes and the shell ends.

import { spawn, type ChildProcess } from 'node:child_process'
import { appendFile, open, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { HayaiError } from '../../base/errors.ts'
import { environment } from '../../base/exec.ts'
import { exists, giveToOwner, makeFolder, readIfThere, writeDurably } from '../../base/files.ts'
import { holderOf, isTaken } from '../../base/ports.ts'
import { end, identify, isAlive, type ProcessId } from '../../base/processes.ts'
import { NOTHING_AROUND } from '../../engines/engine.ts'
import { ownerOf, reach, startedAs } from './account.ts'
import { dataFolder } from './data.ts'
import { called, endpointAt, liveEndpointAt, serverFolder, type Home } from './home.ts'
import { programIn, type Installation } from './installation.ts'
import { LogEnd, untilAnswers } from './readiness.ts'
import { surround } from './surroundings.ts'

/** What is known of a server that was started: the content of server.json. */
export interface Serving {
  readonly process: ProcessId
  readonly port: number
  readonly generation: string
}

export interface Start {
  readonly generation: string
  readonly installation: Installation
  readonly port: number
  readonly purpose: 'live' | 'filling'
  /** The folder of its server.json. */
  readonly recordIn: string
  readonly logFile: string
}

/** A server that answers. */
export interface Running {
  readonly serving: Serving
  /** Its exit status, once it has ended; null when a signal ended it. */
  readonly ended: () => Promise<number | null>
}

const SHELL = '/bin/sh'
const GATE = 'read -r go || exit 125; exec "$0" "$@"' // what follows the word is the program's own input

/** Returns once the server answers a query. When it fails nothing of it is left: no process, no record. */
export async function startServer(home: Home, start: Start, signal: AbortSignal): Promise<Running> {
  signal.throwIfAborted()
  if (await isTaken(start.port)) throw await portTaken(home, start.port)
  await makeFolder(start.recordIn)
  await makeFolder(dirname(start.logFile))
  const log = await LogEnd.of(start.logFile)
  let running: Running | undefined
  try {
    running = await launch(home, start)
    await untilSettled(home, running.serving, start.purpose, signal)
    return running
  } catch (error) {
    if (running !== undefined) await endServing(home, start.recordIn, running.serving, home.recipe.stopSignal, home.patience.insist)
    if (error instanceof HayaiError && error.code === 'TOOL_FAILED') {
      throw (await isTaken(start.port)) ? await portTaken(home, start.port) : await log.explain(error)
    }
    throw error
  }
}

async function launch(home: Home, start: Start): Promise<Running> {
  const { recipe, placement } = home
  const folder = serverFolder(home, start.generation)
  const account = await ownerOf(folder)
  const around = start.purpose === 'live' ? await surround(home, start.generation, account) : undefined
  await using reached = await reach([folder, ...(around?.doors ?? [])], account)
  const [dataDir = folder, ...doors] = reached.paths
  const found = await foundIn(folder, recipe.looksFor)
  const {
    program,
    args,
    env,
    input = '',
  } = recipe.serve(
    {
      dataDir,
      port: start.port,
      settings: placement.settings,
      passwordFile: '',
      found,
      around: around?.surroundings(doors) ?? NOTHING_AROUND,
      base: start.installation.base,
    },
    start.purpose,
  )
  const log = await open(start.logFile, 'a', 0o600)
  await giveToOwner(log, dirname(start.logFile))
  let child: ChildProcess
  let ended: Promise<number | null>
  try {
    const { through = [], ...as } = await startedAs(account, recipe)
    const [first = SHELL, ...words] = [...through, SHELL, '-c', GATE, programIn(start.installation, program), ...args]
    child = spawn(first, words, {
      env: environment(env),
      cwd: '/',
      ...as.account,
      detached: true, // its own session: Ctrl-C of the terminal is not for it, and it outlives Hayai
      stdio: ['pipe', log.fd, log.fd, ...reached.descriptors],
    })
    ended = new Promise((resolve) => child.once('exit', resolve))
    await hasSpawned(child, recipe.server)
  } finally {
    await log.close()
  }
  child.unref()
  const serving = await letThrough(home, child, start, input)
  return {
    serving,
    ended() {
      child.ref() // else nothing keeps this process here until it hears of it
      return ended
    },
  }
}

async function foundIn(folder: string, names: readonly string[]): Promise<readonly string[]> {
  const found: string[] = []
  for (const name of names) if (await exists(join(folder, name))) found.push(name)
  return found
}

/** Returns once the server answers and has been told all that it has to be told. */
export async function untilSettled(home: Home, serving: Serving, purpose: Start['purpose'], signal: AbortSignal): Promise<void> {
  const { settings } = home.placement
  const endpoint = purpose === 'live' ? await liveEndpointAt(home, serving.port) : endpointAt(home, serving.port)
  await untilAnswers(home, serving, endpoint, signal)
  await home.recipe.settle({ endpoint, settings, data: dataFolder(serverFolder(home, serving.generation)), signal }, purpose)
}

async function letThrough(home: Home, child: ChildProcess, start: Start, input: string): Promise<Serving> {
  const gate = child.stdin
  const process = child.pid === undefined ? undefined : identify(child.pid)
  if (gate === null || process === undefined) throw new HayaiError('TOOL_FAILED', `the server of ${called(home)} ended before it began`)
  home.at('server spawned')
  const serving = { process, port: start.port, generation: start.generation }
  try {
    await writeDurably(recordFile(start.recordIn), `${JSON.stringify(serving)}\n`)
  } catch (error) {
    gate.destroy() // the shell ends at its closed gate
    throw error
  }
  home.at('server recorded')
  gate.on('error', () => {}) // it ended at the gate: untilAnswers() sees that it is gone
  gate.end(`go\n${input}`)
  home.at('server released')
  return serving
}

function hasSpawned(child: ChildProcess, server: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (cause) => {
      reject(
        new HayaiError('ENVIRONMENT', `${server} cannot be started: ${cause.message}`, {
          hint: 'Look at the permissions of /bin/sh.',
          cause,
        }),
      )
    })
  })
}

async function portTaken(home: Home, port: number): Promise<HayaiError> {
  const holder = await holderOf(port)
  const who = holder === undefined ? 'another program' : `process ${holder.pid} (${holder.program})`
  return new HayaiError('CONFLICT', `port ${port} of ${called(home)} is taken by ${who}`, {
    hint: `End that program, then run \`hayai start ${home.placement.name}\`.`,
    details: { port, pid: holder?.pid ?? null, program: holder?.program ?? null },
  })
}

/** The server that a folder's record tells of, if that very process is still there. */
export async function servingIn(folder: string): Promise<Serving | undefined> {
  const serving = await recordIn(folder)
  return serving !== undefined && isAlive(serving.process) ? serving : undefined
}

/**
 * Returns when the server is gone, and says whether it ended as it was asked to. One that does not is sent stronger signals,
 * and its log tells so.
 */
export async function endServer(home: Home, folder: string, first: NodeJS.Signals, patience: number): Promise<boolean> {
  const serving = await recordIn(folder)
  return serving === undefined || endServing(home, folder, serving, first, patience)
}

async function endServing(home: Home, folder: string, serving: Serving, first: NodeJS.Signals, patience: number): Promise<boolean> {
  const asAsked = await end(serving.process, first, patience)
  if (!asAsked) await insist(home, serving, first)
  await rm(recordFile(folder), { force: true })
  return asAsked
}

async function insist(home: Home, { process, generation }: Serving, first: NodeJS.Signals): Promise<void> {
  let last = first
  await makeFolder(dirname(home.placement.logFile))
  for (const stronger of ['SIGQUIT', 'SIGKILL'] as const) {
    const line = `hayai: the server of ${generation} (process ${process.pid}) did not end after ${last}: sending ${stronger}\n`
    await appendFile(home.placement.logFile, line, { mode: 0o600 })
    if (await end(process, stronger, home.patience.insist)) return
    last = stronger
  }
  throw new HayaiError('TOOL_FAILED', `the server of ${called(home)} (process ${process.pid}) does not end, not even after SIGKILL`, {
    hint: `Look at what it waits for: \`ps -o pid,stat,wchan,cmd -p ${process.pid}\`.`,
  })
}

export function recordFile(folder: string): string {
  return join(folder, 'server.json')
}

export async function recordIn(folder: string): Promise<Serving | undefined> {
  const file = recordFile(folder)
  const content = await readIfThere(file)
  if (content === undefined) return undefined
  const parts = /^\{"process":\{"pid":(\d+),"started":"([^"\\]+)"\},"port":(\d+),"generation":"(g\d{4,})"\}\n$/.exec(content)
  const [, pid, started, port, generation] = parts ?? []
  if (started === undefined || generation === undefined) {
    throw new HayaiError('CORRUPT', `${file} is damaged`, { hint: 'Make sure that no server of this database runs, then delete the file.' })
  }
  return { process: { pid: Number(pid), started }, port: Number(port), generation }
}
