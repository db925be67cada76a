// An image is had: it is on this machine, or is fetched from its registry, with a word about how far that is. Which one a name means is
// asked of this machine first: what its owner pulled is what is meant. Where it has none of that name, and it is known which one there
// was, that very one is fetched.

import { HayaiError, isCode } from '../../base/errors.ts'
import type { Fetching, ImageRecord } from '../runtime.ts'
import { ask, docker, wordsOf } from './docker.ts'
import { inspectedImage } from './inspect.ts'

export interface Had {
  readonly id: string
  /** By which its registry knows it; null for one that was built here, and never was in a registry. */
  readonly digest: string | null
}

export interface Wanting {
  /** How it was known before, under some name. */
  readonly known?: ImageRecord | undefined
  readonly watch?: Fetching | undefined
  /** What `hereIs` said of the name. */
  readonly here?: Promise<Had | undefined> | undefined
}

/** Throws ENVIRONMENT when it cannot be had. */
export async function have(name: string, { known, watch, here: asked = hereIs(name) }: Wanting = {}): Promise<Had> {
  const here = await asked
  if (here !== undefined) return here
  const digest = known?.name === name ? known.digest : null
  await (digest === null || digestIn(name) !== undefined ? pull(name, name, watch) : pullAsKnown(name, digest, watch))
  const fetched = await hereIs(name)
  if (fetched === undefined) throw new HayaiError('ENVIRONMENT', `the image ${name} was fetched, and is gone again`, { hint: 'Try again.' })
  return fetched
}

/** The record of the image of that id, which runs, or ran, under this name. */
export async function recordOf(name: string, id: string): Promise<ImageRecord> {
  return { name, digest: digestIn(name) ?? digestOf(name, (await inspectedImage(id))?.RepoDigests ?? []) }
}

/** What this machine has of that name. */
export async function hereIs(name: string): Promise<Had | undefined> {
  const found = await inspectedImage(name)
  return found && { id: found.Id, digest: digestIn(name) ?? digestOf(name, found.RepoDigests ?? []) }
}

/** `registry:5000/team/postgres:15@sha256:...` → `registry:5000/team/postgres` */
function repositoryOf(name: string): string {
  return name.replace(/@.*$/, '').replace(/:[^/:]*$/, '')
}

function digestIn(name: string): string | undefined {
  return /@(sha256:[0-9a-f]{64})$/.exec(name)?.[1]
}

/** The same image may be known to several registries. */
function digestOf(name: string, digests: readonly string[]): string | null {
  const plain = (repository: string): string => repository.replace(/^(?:index\.)?docker\.io\//, '').replace(/^library\//, '')
  const own = digests.find((each) => plain(repositoryOf(each)) === plain(repositoryOf(name)))
  return own === undefined ? null : (digestIn(own) ?? null)
}

/** For a line that has little room. */
function short(name: string): string {
  return name.replace(/(@sha256:[0-9a-f]{12})[0-9a-f]+$/, '$1')
}

/** Under its name from now on, as if it had been fetched before the name came to mean another one. */
async function pullAsKnown(name: string, digest: string, watch: Fetching | undefined): Promise<void> {
  const exact = `${repositoryOf(name)}@${digest}`
  try {
    await pull(exact, name, watch)
  } catch (error) {
    if (!isCode(error, 'ENVIRONMENT') || error.details?.['unknown'] !== true) throw error
    throw new HayaiError('ENVIRONMENT', `the image ${name} that the data was made with is not in its registry any more (${digest})`, {
      hint: `To go on with what the name means now: docker pull ${name}`,
      cause: error,
    })
  }
  await ask(['tag', exact, name])
}

async function pull(reference: string, name: string, watch: Fetching | undefined): Promise<void> {
  try {
    watch?.stage(`fetching ${short(name)}`)
    const layers = new Map<string, boolean>()
    let rest = ''
    for await (const chunk of docker(['pull', reference], watch === undefined ? {} : { signal: watch.signal })) {
      const lines = (rest + Buffer.from(chunk).toString()).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const [, layer, state] = /^([0-9a-f]{12}): (.*)$/.exec(line) ?? []
        if (layer !== undefined && state !== undefined) layers.set(layer, layers.get(layer) === true || DONE.test(state))
      }
      const done = [...layers.values()].filter(Boolean).length
      if (layers.size > 0) watch?.stage(`fetching ${short(name)}: ${done} of ${layers.size} layers`)
    }
  } catch (error) {
    throw isCode(error, 'TOOL_FAILED') ? unfetched(name, error) : error
  }
}

const DONE = /^(?:Pull complete|Already exists)/

function unfetched(name: string, cause: HayaiError): HayaiError {
  const said = (wordsOf(cause).trim().split('\n').at(-1) ?? '').replace(/^error response from daemon: /i, '')
  const registry = registryOf(name)
  const refused = (message: string, hint: string, unknown = false): HayaiError =>
    new HayaiError('ENVIRONMENT', `the image ${name} is not on this machine, and ${message}: ${said}`, {
      hint,
      cause,
      details: { unknown },
    })
  if (/no basic auth|unauthori[sz]ed|authentication required|denied|forbidden/i.test(said)) {
    const login = `docker login${registry === HUB ? '' : ` ${registry}`}`
    return refused(
      registry === HUB
        ? 'Docker Hub gives it to nobody who is not logged in, or has none of that name'
        : `${registry} wants a login for it`,
      `Log in, then try again: ${login}`,
    )
  }
  if (/toomanyrequests|rate limit/i.test(said))
    return refused(`${registry} gives no more to who is not logged in`, 'Log in (docker login), or try again later.')
  if (/manifest unknown|not found|name unknown|repository name not known/i.test(said) && !/no such host/i.test(said)) {
    return refused(
      `${registry} has none of that name, tag or digest`,
      'Name another with `version:` or `image:` in .hayaidb; `docker images` lists those that are here.',
      true,
    )
  }
  if (/invalid reference format/i.test(said))
    return refused('that is no name of one', 'Change `image:` in .hayaidb: registry/name:tag, or registry/name@sha256:...')
  if (/dial|connect|no such host|timeout|deadline|tls|x509|certificate|HTTP response to HTTPS|EOF|50[0-9]/i.test(said)) {
    return refused(
      `${registry} does not give it`,
      `Try again when it answers (docker pull ${name}), or name another with \`version:\` or \`image:\` in .hayaidb; \`docker images\` lists those that are here.`,
    )
  }
  return refused('cannot be fetched', `Try it by hand: docker pull ${name}`)
}

const HUB = 'Docker Hub'

/** What stands before the first slash is a host where it looks like one. */
function registryOf(name: string): string {
  const [first = '', ...more] = name.split('/')
  const isHost = more.length > 0 && (first === 'localhost' || /[.:]/.test(first))
  return isHost && !/^(?:index\.)?docker\.io$/.test(first) ? first : HUB
}
