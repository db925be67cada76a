// How a server of the catalogue is made and run: by this machine's own programs where it is known how, else by its image alone.

import { connect } from 'node:net'
import { HayaiError } from '../../base/errors.ts'
import type { ContainerFacts, Endpoint, ServerRecipe } from '../engine.ts'
import type { Entry, Health, Native } from './entry.ts'
import { ask } from './http.ts'
import { hiddenVariables, openVariables } from './variables.ts'

export function recipeOf(entry: Entry): ServerRecipe {
  const { native } = entry
  return {
    shape: 'server',
    port: entry.port ?? 0,
    ...COMMON,
    ...(native === undefined ? imageOnly(entry) : programs(entry, native)),
    answers: (endpoint) => answers(endpoint, entry.health),
    container: containerOf(entry),
  }
}

const COMMON = {
  tools: [],
  folders: ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin'],
  create: () => [],
  adopt: () => [],
  shares: () => [],
  texts: () => ({}),
  looksFor: [],
  secures: false,
  stopSignal: 'SIGTERM',
  settle: () => Promise.resolve(),
} as const

function programs({ title }: Entry, native: Native) {
  const filled = (text: string, dataDir: string, at: number) => text.replaceAll('{data}', dataDir).replaceAll('{port}', String(at))
  return {
    server: native.server,
    ...(native.versionWord === undefined ? {} : { versionWord: native.versionWord }),
    versionOf: (printed: string) => new RegExp(native.version).exec(printed)?.[1] ?? native.otherwise ?? '',
    majorOf,
    defaultMajor: native.major,
    install: () =>
      process.platform === 'darwin'
        ? `Install it: brew install ${native.brew}`
        : `Install it: sudo apt-get install ${native.debian} (Debian, Ubuntu), or the package of ${title} of your system.`,
    account: native.account,
    serve: ({ dataDir, port: at }: { dataDir: string; port: number }) => ({
      program: native.server,
      args: native.args.map((arg) => filled(arg, dataDir, at)),
      env: Object.fromEntries(Object.entries(native.env).map(([key, value]) => [key, filled(value, dataDir, at)])),
    }),
    ...(native.bySignal === true ? { bySignal: true as const } : {}),
    forcible: native.forcible,
  }
}

const majorOf = (version: string): string => /^v?(\d+)/.exec(version)?.[1] ?? version

/** A server that nobody knows is given all the time that it needs to end. */
function imageOnly({ title, tag = 'latest' }: Entry) {
  return {
    server: '',
    containersOnly: true as const,
    versionOf: () => '',
    majorOf,
    defaultMajor: tag,
    install: () => `${title} runs in a container: --runtime compose.`,
    account: 'root',
    serve: () => {
      throw new Error(`${title} runs in containers only`)
    },
    forcible: false,
  }
}

function containerOf(entry: Entry): ContainerFacts {
  const { image, data, tag = 'latest', native, contained } = entry
  return {
    image: image ?? '',
    tag,
    ...(native === undefined ? { environmentAsDeclared: true as const, endsByItself: true as const } : {}),
    ...(entry.loginInData === true ? { loginInData: true as const } : {}),
    ...(contained?.server === undefined ? {} : { server: contained.server }),
    dataDir: data ?? '',
    environment: (settings) => openVariables(entry, settings),
    hidden: (settings) => hiddenVariables(entry, settings),
    secrets: () => ({}),
    files: () => ({}),
    serve: () => ({ args: contained?.args ?? [] }),
    declared: () => ({}),
    keeps: null,
    healthcheck: (_settings, _secured, port) => contained?.healthcheck ?? listens(port),
  }
}

/** Asks the kernel whether somebody listens at the port, by nothing but a shell. */
function listens(port: number): readonly string[] {
  const at = port.toString(16).toUpperCase().padStart(4, '0')
  const look = `while read -r _ a _ s _; do case $a/$s in *:${at}/0A) exit 0;; esac; done`
  return ['sh', '-c', `for f in /proc/net/tcp /proc/net/tcp6; do [ -r $f ] && ${look} <$f; done; exit 1`]
}

const PATIENCE = 5000

async function answers(endpoint: Endpoint, health: Health | null): Promise<void> {
  if (health !== null && 'http' in health && health.port === undefined) {
    return void (await ask(endpoint, health.http, { signal: AbortSignal.timeout(PATIENCE) }))
  }
  return holds(endpoint)
}

/** Docker takes every connection, and drops at once those that nobody in the container wants. */
const DROPPED_WITHIN = 300

/** A connection that is taken, and is still there a moment later: all that can be asked of a server of whom nothing is known. */
function holds({ host, port }: Endpoint): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket = connect({ host, port })
  const fail = (how: string) => reject(new HayaiError('TOOL_FAILED', `${host}:${port} ${how}`))
  const patience = setTimeout(() => fail('does not answer'), PATIENCE)
  let still: NodeJS.Timeout | undefined
  socket.once('connect', () => (still = setTimeout(resolve, DROPPED_WITHIN)))
  socket.once('data', () => resolve())
  socket.once('error', ({ message }) => fail(`does not answer: ${message}`))
  socket.once('end', () => fail('takes connections, and drops them'))
  return promise.finally(() => {
    clearTimeout(patience)
    clearTimeout(still)
    socket.destroy()
  })
}
