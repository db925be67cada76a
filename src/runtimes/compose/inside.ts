// A program that runs in a container, and ends when whoever started it is gone: to end the client does not end the program.

import type { Bytes } from '../../base/bytes.ts'
import { environment, type Command } from '../../base/exec.ts'
import type { Invocation } from '../../engines/engine.ts'
import { docker } from './docker.ts'

// Its own input is our lifeline: it says nothing, and ends when we do, however that happens. The program gets none. No process may
// be left to the container's first one: a PostgreSQL there takes the end of a child by a signal for a crash, and starts anew.
export const LEASH = [
  'exec 3<&0',
  '"$@" </dev/null 3<&- & p=$!',
  '{ while read -r x; do :; done; kill -TERM $p; } <&3 >/dev/null 2>&1 & w=$!',
  'exec 3<&-',
  'wait $p; s=$?',
  'kill -TERM $w 2>/dev/null; wait $w 2>/dev/null',
  'exit $s',
].join('\n')

// What a container is made with, everybody who may ask Docker can see. So its program hears of its environment on its input.
export const HEARD = 'while IFS= read -r said && [ -n "$said" ]; do export "$(printf %b "$said")"; done'

/** The environment, and then nothing for as long as we live. */
export async function* told(env: Command['env'] = {}): Bytes {
  const all = environment(env) // it alone reveals secrets
  const lines = Object.keys(env).map((name) =>
    `${name}=${all[name] ?? ''}`.replaceAll('\\', String.raw`\\`).replaceAll('\n', String.raw`\n`),
  )
  yield Buffer.from([...lines, '', ''].join('\n'))
  yield* silence()
}

/** How a program is started there, up to its own name, but for its environment. */
export interface Entrance {
  /** `exec -i`, `run -i --rm ...` */
  readonly options: readonly string[]
  /** The container, or the image. */
  readonly place: string
}

/**
 * The program's standard output. Environment goes by name: a value is in no argument. A program with input ends at the end of
 * that, which is also what comes when we are gone.
 */
export function inside({ options, place }: Entrance, { program, args, env = {}, signal, into }: Invocation, input?: Bytes): Bytes {
  const names = Object.keys(env).flatMap((name) => ['--env', name])
  const asking = { env, program, ...(signal === undefined ? {} : { signal }), ...(into === undefined ? {} : { into }) }
  if (options[0] === 'exec' && input !== undefined) return docker([...options, ...names, place, program, ...args], { ...asking, input })
  if (input !== undefined) return docker([...options, ...names, '--entrypoint', program, place, ...args], { ...asking, input })
  const shell = (script: string): readonly string[] => ['-c', script, 'sh', program, ...args]
  if (options[0] === 'exec') {
    return docker([...options, ...names, place, 'sh', ...shell(LEASH)], { ...asking, input: silence(), closedStdinIsFine: true })
  }
  const words = [...options, '--entrypoint', 'sh', place, ...shell(`${HEARD}\n${LEASH}`)]
  return docker(words, { ...asking, env: {}, input: told(env), closedStdinIsFine: true })
}

/** Input that never comes. */
export function silence(): Bytes {
  return { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }
}
