// A program that runs in a container, and ends when whoever started it is gone: to end the client does not end the program.

import type { Bytes } from '../../base/bytes.ts'
import type { Invocation } from '../../engines/engine.ts'
import { docker } from './docker.ts'

// Its own input is our lifeline: it says nothing, and ends when we do, however that happens. The program gets none. No process may
// be left to the container's first one: a PostgreSQL there takes the end of a child by a signal for a crash, and starts anew.
const LEASH = [
  'exec 3<&0',
  '"$@" </dev/null 3<&- & p=$!',
  '{ while read -r x; do :; done; kill -TERM $p; } <&3 >/dev/null 2>&1 & w=$!',
  'exec 3<&-',
  'wait $p; s=$?',
  'kill -TERM $w 2>/dev/null; wait $w 2>/dev/null',
  'exit $s',
].join('\n')

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
  const shell = ['-c', LEASH, 'sh', program, ...args]
  const words =
    options[0] === 'exec' ? [...options, ...names, place, 'sh', ...shell] : [...options, ...names, '--entrypoint', 'sh', place, ...shell]
  return docker(words, { ...asking, input: silence(), closedStdinIsFine: true })
}

function silence(): Bytes {
  return { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }
}
