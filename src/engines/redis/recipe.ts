// How a server of this family is made and run. An empty folder is an empty database; all that the server is told goes through
// its stdin, where no other user of the machine can read the password.

import { HayaiError } from '../../base/errors.ts'
import type { Endpoint, Place, ServerRecipe, Surroundings } from '../engine.ts'
import type { Dialect } from './dialect.ts'
import { keeps } from './keeps.ts'
import { withSession } from './session.ts'
import { AOF_MARKS, RDB_FILE, settle } from './settle.ts'

export function recipe(dialect: Dialect): ServerRecipe {
  const { name, defaultMajor, image } = dialect
  return {
    shape: 'server',
    port: 6379,
    server: `${name}-server`,
    tools: [],
    folders: ['/usr/bin', '/usr/local/bin', ...homebrew(name), `/opt/${name}/bin`],
    versionOf: (printed) => /\bv=(\S+)/.exec(printed)?.[1] ?? '',
    majorOf: (version) => /^\d+/.exec(version)?.[0] ?? version,
    defaultMajor,
    install: () => install(dialect),
    account: name,
    create: () => [],
    adopt: () => [], // the login is not in the data
    secures: true,
    shares: () => [],
    texts: () => ({}),
    looksFor: AOF_MARKS,
    serve: (place, purpose) => serve(name, place, purpose),
    stopSignal: 'SIGTERM',
    forcible: false,
    container: {
      image,
      dataDir: '/data',
      environment: () => ({}),
      hidden: () => ({}),
      secrets: ({ password }) => ({ password: password.reveal() }),
      files: () => ({}),
      serve: ({ settings, found, around }, purpose) => ({
        args: [`${name}-server`, '-'],
        input: told({ dataDir: '/data', port: 6379, host: '0.0.0.0', settings, found, around }, purpose),
      }),
      declared(environment, args) {
        const variable = `${name.toUpperCase()}_PASSWORD`
        const at = args.indexOf('--requirepass')
        return { [variable]: environment[variable] ?? (at < 0 ? '' : (args[at + 1] ?? '')) }
      },
      keeps,
      // With the password: while a server reads its data, it tells so only to those whom it knows.
      healthcheck: (_, secured) => [
        'sh',
        '-c',
        `REDISCLI_AUTH="$(cat /run/secrets/password)" ${name}-cli -h 127.0.0.1${secured ? ' --tls --insecure' : ''} PING | grep -q PONG`,
      ],
    },
    answers,
    settle,
  }
}

function homebrew(name: string): readonly string[] {
  return ['/opt/homebrew', '/usr/local', '/home/linuxbrew/.linuxbrew'].map((root) => `${root}/opt/${name}/bin`)
}

function install({ name, debian, systems }: Dialect): string {
  if (process.platform === 'darwin') return `Install it: brew install ${name}`
  return `Install it: sudo apt-get install ${debian} (${systems}), or the package ${name} of your system.`
}

const PATIENCE = 5000

async function answers(endpoint: Endpoint): Promise<void> {
  const patience = AbortSignal.timeout(PATIENCE)
  try {
    await withSession(endpoint, patience, async (session) => void (await session.ask('DBSIZE'))) // PING is refused after a save that failed
  } catch (error) {
    if (!patience.aborted) throw error
    throw new HayaiError('TOOL_FAILED', `the server at ${endpoint.host}:${endpoint.port} says nothing for ${PATIENCE / 1000} s`, {
      cause: error,
    })
  }
}

const ALWAYS = [
  ['protected-mode', 'yes'],
  ['daemonize', 'no'],
  ['logfile', ''],
  ['dbfilename', RDB_FILE],
  // A snapshot is what a new replica gets: at once, and not through a file.
  ['repl-diskless-sync', 'yes'],
  ['repl-diskless-sync-delay', '0'],
] as const

// A twin that is being filled. The replica of nobody (no server can be at port 0) leaves keys whose time has come where they
// are, so that what was loaded can be counted. Any number of dbs fits into it.
const FILLING = [
  ['replicaof', '127.0.0.1', '0'],
  ['databases', '8192'],
  ['save', ''],
] as const

const LIMIT = 4096 // what a pipe takes in one piece: half of it would be other settings

function serve(name: string, place: Place, purpose: 'live' | 'filling'): ReturnType<ServerRecipe['serve']> {
  return { program: `${name}-server`, args: ['-'], input: told({ ...place, host: '127.0.0.1' }, purpose) }
}

interface Told extends Pick<Place, 'dataDir' | 'port' | 'settings' | 'found' | 'around'> {
  readonly host: string
}

/** The server's configuration. */
function told({ dataDir, port, host, settings, found, around }: Told, purpose: 'live' | 'filling'): string {
  const { save = '', appendonly: _, ...own } = settings.server
  const lines = [
    ['requirepass', settings.password.reveal()],
    ...listening(port, around),
    ['dir', dataDir],
    ['bind', host],
    ...ALWAYS,
    ['appendonly', found.length > 0 ? 'yes' : 'no'], // what there is decides what is read; settle() makes of it what is wanted
    ...(purpose === 'filling' ? FILLING : [...schedule(save), ...Object.entries(own).map(([key, value]) => [key, ...words(value)])]),
  ]
  const input = lines.map((line) => `${line.map((word, at) => (at === 0 ? word : quoted(word))).join(' ')}\n`).join('')
  if (Buffer.byteLength(input) > LIMIT) {
    throw new HayaiError('CONFIG_INVALID', `the settings take more than ${LIMIT} bytes`, {
      hint: 'Leave out those that are as the server has them anyway.',
    })
  }
  return input
}

/** Port 0 is none: nobody is let in unencrypted. Clients prove who they are by the password. */
function listening(port: number, { certificates }: Surroundings): readonly (readonly string[])[] {
  if (certificates === undefined) return [['port', String(port)]]
  const { authority, certificate, key } = certificates
  const files = [['tls-ca-cert-file', authority] as const, ['tls-cert-file', certificate] as const, ['tls-key-file', key] as const]
  return [['port', '0'], ['tls-port', String(port)], ...files, ['tls-auth-clients', 'no']]
}

/** A line for each pair: servers before version 7 know no other way. */
function schedule(save: string): readonly (readonly string[])[] {
  const numbers = words(save)
  if (save === '') return [['save', '']]
  return numbers.flatMap((seconds, at) => (at % 2 === 0 ? [['save', seconds, numbers[at + 1] ?? '']] : []))
}

const words = (value: string): readonly string[] => (value.trim() === '' ? [''] : value.trim().split(/\s+/))

/** In the quotes of the server's own configuration, where every byte can be written. */
function quoted(word: string): string {
  const bytes = Array.from(Buffer.from(word), (byte) =>
    byte > 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`,
  )
  return `"${bytes.join('')}"`
}
