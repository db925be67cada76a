// Docker's own program, asked as a person would. What it says when Docker is missing, stopped or closed to us becomes an
// ENVIRONMENT with what to do; a program that it ran in a container fails under its own name.

import type { Bytes } from '../../base/bytes.ts'
import { text } from '../../base/bytes.ts'
import { HayaiError, isCode } from '../../base/errors.ts'
import { run } from '../../base/exec.ts'
import type { Landing } from '../../base/landing.ts'
import type { Secret } from '../../base/secret.ts'

export interface Asking {
  readonly env?: Readonly<Record<string, string | Secret>>
  readonly input?: Bytes
  readonly signal?: AbortSignal
  /** Its standard output goes into this file, and has been written there when it is yielded. */
  readonly into?: Landing
  /** The program in a container that is really meant. */
  readonly program?: string
  readonly closedStdinIsFine?: boolean
  /** What it says on stderr belongs to the answer: a container's log comes on both. */
  readonly both?: boolean
}

export async function* docker(args: readonly string[], asking: Asking = {}): Bytes {
  const { env = {}, input, signal, into, program, closedStdinIsFine = false, both = false } = asking
  const words = both ? { file: '/bin/sh', args: ['-c', 'exec docker "$@" 2>&1', 'sh', ...args] } : { file: 'docker', args }
  const given = { ...(signal === undefined ? {} : { signal }), ...(into === undefined ? {} : { into }) }
  const command = { ...words, env: { ...handedOn(), ...env }, closedStdinIsFine, ...given }
  try {
    yield* run(command, input)
  } catch (error) {
    throw explained(error, program)
  }
}

/** What it prints, trimmed. */
export async function ask(args: readonly string[], asking: Asking = {}): Promise<string> {
  return (await text(docker(args, asking))).trim()
}

/** The answer, or undefined where there is no such thing. */
export async function askIfThere(args: readonly string[]): Promise<string | undefined> {
  try {
    return await ask(args)
  } catch (error) {
    if (isNoSuch(error)) return undefined
    throw error
  }
}

export function isNoSuch(error: unknown): boolean {
  return isCode(error, 'TOOL_FAILED') && /no such (?:object|container|volume|image|network)/i.test(wordsOf(error))
}

export function wordsOf(error: HayaiError): string {
  const words = error.details?.['stderr']
  return typeof words === 'string' ? words : error.message
}

/** Which Docker is meant, and how it is reached: that is the person's own affair, and stands in their environment. */
export function handedOn(): Readonly<Record<string, string>> {
  const names = ['CONFIG', 'CONTEXT', 'HOST', 'TLS', 'TLS_VERIFY', 'CERT_PATH', 'API_VERSION'].map((name) => `DOCKER_${name}`)
  const found = [...names, 'XDG_RUNTIME_DIR', 'SSH_AUTH_SOCK', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.fromEntries(found)
}

export function explained(error: unknown, program?: string): unknown {
  if (isCode(error, 'ENVIRONMENT')) {
    return new HayaiError('ENVIRONMENT', 'Docker is not on this machine', {
      hint: 'Install it (https://docs.docker.com/engine/install/), or choose --runtime native.',
      cause: error,
    })
  }
  if (!isCode(error, 'TOOL_FAILED')) return error
  const words = wordsOf(error)
  if (/permission denied.*(?:docker|daemon|socket)/is.test(words)) {
    return new HayaiError('ENVIRONMENT', 'Docker is here, but closed to this account', {
      hint: 'Put yourself into its group: `sudo usermod -aG docker $USER`, then log in again.',
      cause: error,
    })
  }
  // A daemon that answers, and says that it does not reach a registry, is not unreachable itself.
  if (UNREACHABLE.test(words) && !/error response from daemon/i.test(words)) {
    return new HayaiError('ENVIRONMENT', `Docker does not answer: ${firstLine(words)}`, {
      hint: 'Start it: `sudo systemctl start docker`, or open Docker Desktop.',
      cause: error,
    })
  }
  if (program === undefined || error.details?.['exit'] === undefined) return error
  const exit = Number(error.details['exit'] ?? 137) // none: a signal ended the client
  const last = words.split('\n').slice(-4).join('\n')
  if ((exit === 126 || exit === 127) && /not found/i.test(words)) {
    return new HayaiError('ENVIRONMENT', `${program} is not in the container's image`, { hint: 'Use an image that has it.', cause: error })
  }
  const how = exit === 137 ? 'was ended, perhaps with its container' : `failed (exit ${exit})`
  return new HayaiError('TOOL_FAILED', `${program} ${how}${last === '' ? '' : `: ${last}`}`, {
    details: { ...error.details, program },
    cause: error,
  })
}

const UNREACHABLE =
  /cannot connect to the docker daemon|docker daemon is not running|error during connect|docker\.sock.*(?:no such file|connection refused)|connection aborted|error while fetching server api version|unexpected EOF|dial (?:tcp|unix)/i

function firstLine(words: string): string {
  return words.split('\n')[0] ?? ''
}
