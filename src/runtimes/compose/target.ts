// An engine's hands on a database in a container: tools of the server's own image, and folders to work in.

import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { once, text, type Bytes } from '../../base/bytes.ts'
import { makeFolder, temporaryName } from '../../base/files.ts'
import type { Landing } from '../../base/landing.ts'
import type { Endpoint, Invocation, Target, Trust } from '../../engines/engine.ts'
import type { Ledger } from '../generations.ts'
import { authorityFor, innerEndpoint, layingFolder, type Home } from './home.ts'
import { factOf } from './image.ts'
import { inside, type Entrance } from './inside.ts'
import { landedBeside } from './landing.ts'
import { layingDown } from './laying.ts'
import type { VolumePlace } from './place.ts'
import { restingCopy } from './resting.ts'
import { workshopBeside } from './workshop.ts'

interface Awake {
  readonly version: string | null
  /** Another one, whose programs it shall be. */
  readonly image?: string
  /** Of the container, where nobody but Hayai made it. */
  readonly imageId?: string
  readonly ledger?: Ledger
}

/**
 * Awake: its programs run in its container, or, those of another image, beside it on the same network. With the ledger of the live
 * generation its data can be copied.
 */
export async function awakeTarget(
  home: Home,
  generation: string,
  endpoint: Endpoint,
  container: string,
  { version, image, imageId, ledger }: Awake,
): Promise<Target> {
  const entrance = image === undefined ? within(container) : beside(container, image, endpoint.tls)
  const target = await targetOf(home, generation, endpoint, () => entrance)
  return {
    ...target,
    ...(image === undefined
      ? { run: knowing(imageId, landing(target, { database: home.placement.id, container, trust: endpoint.tls })) }
      : {}),
    version,
    workshop: (signal) => workshopBeside(home, container, endpoint.tls, signal),
    ...(ledger === undefined ? {} : { copyAtRest: restingCopy(home, container, ledger, join(target.scratch, 'at-rest.tar')) }),
  }
}

/** Fewer bytes have gone through Docker before a container is there that has the file in it. */
const FEW = 8 * 1024 * 1024

/** What goes into a file goes there straight, where it can. */
function landing({ run }: Target, place: Parameters<typeof landedBeside>[0]): Target['run'] {
  async function* land(invocation: Invocation, into: Landing): Bytes {
    if (!(yield* landedBeside(place, invocation, into))) yield* run(invocation)
  }
  return (invocation, input) => {
    const { into, expects = Infinity } = invocation
    return into === undefined || input !== undefined || expects < FEW ? run(invocation, input) : land(invocation, into)
  }
}

/** Which version a program is of is asked once for each image: to ask takes as long as to dump a small database. */
function knowing(imageId: string | undefined, run: Target['run']): Target['run'] {
  async function* said(invocation: Invocation): Bytes {
    yield* once(await factOf(`${invocation.program} --version ${imageId}`, () => text(run(invocation))))
  }
  return (invocation, input) => {
    const isVersion = invocation.args.length === 1 && invocation.args[0] === '--version'
    return imageId !== undefined && isVersion ? said(invocation) : run(invocation, input)
  }
}

/** Asleep: files are laid down in a folder, and its programs see that folder, and the scratch, under their own names. */
export async function asleepTarget(home: Home, generation: string, place: VolumePlace): Promise<Target> {
  const target = await targetOf(home, generation, undefined, (scratch) => ({
    options: [
      'run',
      '--rm',
      '-i',
      '--network',
      'none',
      ...[layingFolder(home, generation), scratch].flatMap((path) => ['--volume', `${path}:${path}`]),
    ],
    place: place.image,
  }))
  return { ...target, layDown: layingDown(home, place) }
}

/** In the container. */
function within(container: string): Entrance {
  return { options: ['exec', '-i'], place: container }
}

/** In a container of another image that is made for the purpose, on the network of the first. */
function beside(container: string, image: string, trust: Trust | undefined): Entrance {
  return { options: ['run', '--rm', '-i', '--network', `container:${container}`, ...authorityFor(trust)], place: image }
}

async function targetOf(
  home: Home,
  generation: string,
  endpoint: Endpoint | undefined,
  entranceOf: (scratch: string) => Entrance,
): Promise<Target> {
  const { dataDir } = home.placement
  const scratch = join(dataDir, temporaryName('scratch')) // its name tells its owner: a killed command's is swept
  await makeFolder(dataDir)
  await mkdir(scratch, { mode: 0o700 })
  const entrance = entranceOf(scratch)
  return {
    endpoint,
    inner: endpoint === undefined ? undefined : innerEndpoint(home, endpoint),
    version: null,
    path: layingFolder(home, generation),
    scratch,
    run: (invocation, input) => inside(entrance, invocation, input),
    async freeBytes() {
      const said = await text(inside(entrance, { program: 'df', args: ['-Pk', home.recipe.container.dataDir] }))
      const kilobytes = said.trimEnd().split('\n').at(-1)?.trim().split(/\s+/)[3]
      return Number(kilobytes) * 1024
    },
    workshop: () => Promise.reject(new Error('a twin that sleeps has no server to work beside')),
    layDown: () => Promise.reject(new Error('only in a twin that sleeps something is laid down')),
    copyAtRest: () => Promise.reject(new Error('a twin is nobody to copy from')),
    async close() {
      await rm(scratch, { recursive: true, force: true })
    },
  }
}
