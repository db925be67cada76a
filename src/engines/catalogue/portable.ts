// InfluxDB 1 by its own portable backup: the server goes on meanwhile. It is made beside the server, and given to one that runs.

import { setTimeout as sleep } from 'node:timers/promises'
import { drain, type Bytes } from '../../base/bytes.ts'
import type { Format, Target } from '../engine.ts'
import type { Counted } from './counts.ts'
import type { Taken } from './engine.ts'
import type { Portable } from './entry.ts'

/** What it holds is compressed already. */
export const PORTABLE: Format = {
  name: 'portable',
  extension: '.portable.tar',
  fills: 'awake',
  kind: 'logical',
  byHand: (file) => [
    `mkdir FOLDER && tar -xf ${file} -C FOLDER`,
    'influxd restore -portable -host 127.0.0.1:8088 FOLDER   # into a server that runs and has none of these databases',
  ],
}

/** How often is looked whether it grows. */
const TICK = 2000

export async function takePortable(portable: Portable, target: Target, signal: AbortSignal, onFile: () => void): Promise<Taken> {
  const workshop = await target.workshop(signal)
  try {
    const over = new AbortController()
    const args = ['backup', '-portable', '-host', addressOf(portable, target), workshop.path]
    const work = drain(workshop.run({ program: 'influxd', args, signal }))
    const watched = watch(() => workshop.extent(), onFile, over.signal)
    await work.finally(() => over.abort())
    await watched
    return { instant: new Date(), archive: workshop.archive(signal), skipped: [], close: () => workshop.close() }
  } catch (error) {
    await workshop.close()
    throw error
  }
}

async function watch(look: () => Promise<string>, onChange: () => void, over: AbortSignal): Promise<void> {
  for (let last = ''; !over.aborted;) {
    await sleep(TICK, undefined, { signal: over }).catch(() => {})
    if (over.aborted) return
    const now = await look()
    if (now !== last) onChange()
    last = now
  }
}

export async function restorePortable(portable: Portable, target: Target, bytes: Bytes, signal: AbortSignal): Promise<void> {
  const workshop = await target.workshop(signal)
  try {
    await workshop.unpack(bytes, signal)
    const args = ['restore', '-portable', '-host', addressOf(portable, target), workshop.path]
    await drain(workshop.run({ program: 'influxd', args, signal }))
  } finally {
    await workshop.close()
  }
}

/** Where its programs reach it: where they run beside it on this machine, that is where everybody does. */
function addressOf({ here, contained }: Portable, { endpoint, inner }: Target): string {
  if (endpoint === undefined || inner === undefined) throw new Error('this database is a server, and has an endpoint')
  return endpoint === inner ? here.replace('{port}', String(endpoint.port)) : contained
}

const LEFT_OUT = { users: 'user', 'continuous queries': 'continuous query' } as const

/** What the backup has of what was counted, and sentences about the rest. */
export function inPortable({ version, census }: Counted): { readonly counted: Counted; readonly notes: readonly string[] } {
  const left = Object.entries(LEFT_OUT).flatMap(([many, one]) => {
    const count = census.objects[many] ?? 0
    return count === 0 ? [] : [`${count} ${count === 1 ? one : many}`]
  })
  const objects = { ...census.objects, ...Object.fromEntries(Object.keys(LEFT_OUT).map((name) => [name, 0])) }
  return {
    counted: { version, census: census.moving === true ? census : { ...census, objects } },
    notes:
      left.length === 0
        ? []
        : [`A portable backup leaves out users and continuous queries: ${left.join(' and ')} here. The format tar has them.`],
  }
}
