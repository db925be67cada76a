// A server of time series by its own backup: it goes on meanwhile. The backup is made beside the server, and given to one that runs.

import { setTimeout as sleep } from 'node:timers/promises'
import { drain, type Bytes } from '../../base/bytes.ts'
import { HayaiError, isCode } from '../../base/errors.ts'
import { throughTar } from '../../base/tar.ts'
import type { Format, Target } from '../engine.ts'
import type { Counted, Counter } from './counts.ts'
import type { Taken } from './engine.ts'
import type { Portable } from './entry.ts'
import { letsIn } from './http.ts'

export const PORTABLE = 'portable'

/** What the files in it hold is compressed already. */
export function portableFormat({ byHand, compressed }: Portable): Format {
  return {
    name: PORTABLE,
    extension: '.portable.tar',
    fills: 'awake',
    kind: 'logical',
    ...(compressed === undefined ? {} : { compressed }),
    byHand: (file) => [`mkdir FOLDER && tar -xf ${file} -C FOLDER`, byHand],
  }
}

/** How often is looked whether it grows. */
const TICK = 2000

export async function takePortable(portable: Portable, target: Target, signal: AbortSignal, onFile: () => void): Promise<Taken> {
  await mustLetIn(portable, target, signal, {
    says: 'does not take the token that Hayai knows, without which it gives nobody its backup',
    hint: 'Take its data folder: --format tar.',
  })
  const workshop = await target.workshop(signal)
  try {
    const over = new AbortController()
    const work = drain(workshop.run(invocation(portable, 'backup', target, workshop.path, signal)))
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

interface Order {
  readonly portable: Portable
  readonly count: Counter
  readonly target: Target
}

/** Tokens come with the backup, and those of the server are gone: what Hayai knows must be one of both. */
export async function restorePortable({ portable, count, target }: Order, bytes: Bytes, signal: AbortSignal): Promise<void> {
  const workshop = await target.workshop(signal)
  try {
    await workshop.unpack(bytes, signal)
    await drain(workshop.run(invocation(portable, 'restore', target, workshop.path, signal)))
  } finally {
    await workshop.close()
  }
  if (portable.lags === true) await settled({ portable, count, target }, signal)
  await mustLetIn(portable, target, signal, {
    says: 'now has the tokens of the backup, and the one that Hayai knows for this database is none of them',
    hint: `Declare the operator token of the database that was backed up in \`environment:\` as ${portable.token?.names[0] ?? 'it is called'}, and make this one anew.`,
  })
}

const LOOKS = 3
const PAUSE = 250

/** Nobody says when it has taken in all: what is in it then stays the same. While it is at work on a part it counts nothing. */
async function settled({ count, target }: Order, signal: AbortSignal): Promise<void> {
  let last = ''
  for (let same = 0; same < LOOKS;) {
    const now = await count(target, signal).then(({ census }) => JSON.stringify(census), notYet)
    same = now === last && now !== '' ? same + 1 : 0
    last = now
    await sleep(PAUSE, undefined, { signal })
  }
}

function notYet(error: unknown): string {
  if (isCode(error, 'WRONG_STATE')) return ''
  throw error
}

async function mustLetIn({ token }: Portable, { endpoint }: Target, signal: AbortSignal, refusal: { says: string; hint: string }) {
  if (token === undefined || endpoint === undefined || (await letsIn(endpoint, token.path, signal))) return
  throw new HayaiError('WRONG_STATE', `the server at ${endpoint.host}:${endpoint.port} ${refusal.says}`, { hint: refusal.hint })
}

type Reached = Pick<Target, 'endpoint' | 'inner'>

/** The token is in its environment alone. */
export function invocation(portable: Portable, what: 'backup' | 'restore', target: Reached, folder: string, signal: AbortSignal) {
  const { program, token } = portable
  const at = addressOf(portable, target)
  const { inner } = target
  return {
    program,
    args: portable[what].map((arg) => arg.replace('{at}', () => at).replace('{folder}', () => folder)),
    ...(token === undefined || inner === undefined ? {} : { env: { [token.variable]: inner.password } }),
    signal,
  }
}

/** Where its programs reach it: where they run beside it on this machine, that is where everybody does. */
function addressOf({ here, contained }: Portable, { endpoint, inner }: Reached): string {
  if (endpoint === undefined || inner === undefined) throw new Error('this database is a server, and has an endpoint')
  return endpoint === inner ? here.replace('{port}', String(endpoint.port)) : contained
}

/** What the backup has of what was counted, and sentences about the rest. */
export function inPortable({ leavesOut }: Portable, { version, census }: Counted) {
  const left = Object.entries(leavesOut).flatMap(([many, one]) => {
    const count = census.objects[many] ?? 0
    return count === 0 ? [] : [`${count} ${count === 1 ? one : many}`]
  })
  const without = Object.keys(leavesOut)
  const objects = { ...census.objects, ...Object.fromEntries(without.map((name) => [name, 0])) }
  const counted: Counted = { version, census: census.moving === true ? census : { ...census, objects } }
  if (left.length === 0) return { counted, notes: [] }
  return {
    counted,
    notes: [`A portable backup leaves out ${without.join(' and ')}: ${left.join(' and ')} here. The format tar has them.`],
  }
}

/** The manifest is what its program writes last. */
export async function* withManifest(bytes: Bytes): Bytes {
  let found = false
  yield* throughTar(bytes, (event) => {
    if ('header' in event && event.header.kind === 'file' && event.header.name.endsWith('.manifest')) found = true
  })
  if (!found) throw new HayaiError('CORRUPT', 'there is no manifest in the backup, which is what its program writes last')
}
