// The workshop of a server in a container: another container of the same image beside it, on its network and with its volumes to
// read, whose own volume holds what is made. Not in the server's: what is made there would take the room and the memory that it has.

import { randomUUID } from 'node:crypto'
import { drain, type Bytes } from '../../base/bytes.ts'
import { HayaiError } from '../../base/errors.ts'
import { relocated } from '../../base/relocated.ts'
import type { Trust, Workshop } from '../../engines/engine.ts'
import { ask, docker } from './docker.ts'
import { authorityFor, called, LABEL, type Home } from './home.ts'
import { inside } from './inside.ts'
import { see, type Mount } from './inspect.ts'

const MADE = '/hayai/made'
const ASIDE = '/hayai/aside'

// Its input says nothing and ends when we do, however that happens; then Docker removes the container and its volume.
const LIFE = `mkdir -m 700 ${MADE} ${ASIDE} && echo ready && exec cat >/dev/null`

export async function workshopBeside(home: Home, container: string, trust: Trust | undefined, signal: AbortSignal): Promise<Workshop> {
  const seen = await see(container)
  if (seen === undefined) throw new HayaiError('WRONG_STATE', `the container ${container} of ${called(home)} is gone`)
  const name = `${container}-workshop-${randomUUID().slice(0, 8)}`
  const lifeline = Promise.withResolvers<void>()
  const input: Bytes = {
    [Symbol.asyncIterator]: () => ({ next: () => lifeline.promise.then(() => ({ done: true, value: undefined })) }),
  }
  const options = ['--rm', '-i', '--sig-proxy=false', '--user', '0', '--network', `container:${container}`]
  const label = `${LABEL.database}=${home.placement.id}`
  const marks = ['--name', name, '--label', label, '--mount', `type=volume,target=/hayai,volume-label=${label}`]
  const mounts = [...seen.mounts.map(mountArgument), ...authorityFor(trust)]
  const life = docker(['run', ...options, ...marks, ...mounts, '--entrypoint', 'sh', seen.imageId, '-c', LIFE], { input, signal })
  const said = life[Symbol.asyncIterator]()
  if ((await said.next()).done === true) throw new Error(`the container ${name} ended, and said nothing`)
  return {
    path: MADE,
    temporary: ASIDE,
    run: (invocation, given) => inside({ options: ['exec', '-i'], place: name }, invocation, given),
    extent: () => ask(['exec', name, 'sh', '-c', 'find "$1" -exec stat -c "%s %y" {} + 2>/dev/null | cksum', 'sh', MADE], { signal }),
    async read(file) {
      const content = await ask(['exec', name, 'sh', '-c', '[ ! -e "$1" ] || cat "$1"', 'sh', `${MADE}/${file}`], { signal })
      return content === '' ? undefined : content
    },
    unpack: (bytes, ends) => drain(docker(['cp', '-', `${name}:/`], { input: relocated(bytes, MADE.slice(1), () => {}), signal: ends })),
    archive: (ends) => docker(['cp', `${name}:${MADE}/.`, '-'], { signal: ends }),
    async close() {
      lifeline.resolve()
      try {
        while ((await said.next()).done !== true);
      } catch {
        // it had ended already: whoever used it has heard why
      }
    },
  }
}

/** By name, also those that have none but a number: what is mounted by name stays when the container is removed. */
function mountArgument({ kind, source, target }: Mount): string {
  const fields = [`type=${kind}`, `source=${source}`, `target=${target}`, 'readonly']
  return `--mount=${fields.map((field) => (/[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(',')}`
}
