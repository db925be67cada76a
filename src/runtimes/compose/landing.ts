// A program's output that goes into a file of this machine without passing through Docker, which would copy each byte three times:
// the program runs in a container of its own beside the server's, which has the file in it. Where that cannot be (a Docker of another
// machine, a file that is closed to it), the bytes come as ever.

import { fstat, readlink } from 'node:fs'
import { promisify } from 'node:util'
import { drain } from '../../base/bytes.ts'
import { HayaiError, isCode } from '../../base/errors.ts'
import { endOf, followed, type Landing } from '../../base/landing.ts'
import type { Invocation, Trust } from '../../engines/engine.ts'
import { HEARD, LEASH, told } from './inside.ts'
import { docker } from './docker.ts'
import { authorityFor, LABEL } from './home.ts'
import { see } from './inspect.ts'

const THERE = '/hayai/landing'

/** Nothing has been written yet. */
const ANOTHER = 96

// The number of the file, and its first words, are those that this machine knows: else it is a file of another one.
const DOOR = [`exec 4>>${THERE} || exit ${ANOTHER}`, `[ "$(stat -c %i:%s ${THERE})" = "$1" ] || exit ${ANOTHER}`, 'shift'].join('\n')

/** Yields nothing at all, and returns false, where the file cannot be written there. */
export async function* landedBeside(
  { database, container, trust }: { readonly database: string; readonly container: string; readonly trust: Trust | undefined },
  { program, args, env, signal }: Invocation,
  into: Landing,
): AsyncGenerator<Uint8Array, boolean> {
  const file = await pathOf(into)
  const seen = file === undefined ? undefined : await see(container)
  if (file === undefined || seen === undefined) return false
  const from = await endOf(into)
  const { ino } = await promisify(fstat)(into.descriptor)
  const leaving = new AbortController()
  const ends = signal === undefined ? leaving.signal : AbortSignal.any([signal, leaving.signal])
  const options = ['--rm', '-i', '--sig-proxy=false', '--user', '0', '--network', `container:${container}`]
  const label = `--label=${LABEL.database}=${database}`
  const mount = `type=bind,source=${file},target=${THERE}`
  const door = [label, '--mount', mount, ...authorityFor(trust)]
  const script = ['-c', `${DOOR}\n${HEARD}\n${LEASH.replace('"$@" ', '"$@" >&4 ')}`, 'sh', `${ino}:${from}`, program, ...args]
  const words = ['run', ...options, ...door, '--entrypoint', 'sh', seen.imageId, ...script]
  const done = drain(docker(words, { program, signal: ends, input: told(env), closedStdinIsFine: true }))
  done.catch(() => {}) // heard of below
  try {
    yield* followed(into, from, done)
    await done
    return true
  } catch (error) {
    if (isElsewhere(error) && (await endOf(into)) === from) return false
    throw error
  } finally {
    leaving.abort(new HayaiError('INTERRUPTED', 'nobody wants the output any more'))
    await done.catch(() => {})
  }
}

function isElsewhere(error: unknown): boolean {
  return isCode(error, 'TOOL_FAILED') && (error.details?.['exit'] === ANOTHER || error.details?.['exit'] === 125)
}

/** Only Linux tells it; and only there is Docker on the very machine, and not in a virtual one beside it. */
async function pathOf({ descriptor }: Landing): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined
  const path = await promisify(readlink)(`/proc/self/fd/${descriptor}`)
  return path.startsWith('/') && !/[",]/.test(path) ? path : undefined
}
