// Where the data of a generation is: a volume of Docker, and the image whose server made it. Written down before either is made,
// so that nothing is ever in Docker that no folder here tells of.

import { join } from 'node:path'
import { HayaiError } from '../../base/errors.ts'
import { readIfThere, writeDurably } from '../../base/files.ts'
import type { ImageRecord } from '../runtime.ts'
import { ask, isNoSuch } from './docker.ts'
import { called, generationFolder, LABEL, type Home } from './home.ts'
import type { Image } from './image.ts'
import { see, volumeLabels } from './inspect.ts'
import type { ComposeProject } from './project.ts'
import { dataVolumeOf } from './wishes.ts'

export interface VolumePlace {
  readonly volume: string
  readonly image: string
  /** By which its registry knows it, where one does. */
  readonly digest: string | null
  /** The container of a twin. */
  readonly container: string
  /** Whose they are: the labels on both. */
  readonly database: string
}

export async function choosePlace(
  home: Home,
  project: ComposeProject,
  generation: string,
  { name: image, digest }: Pick<Image, 'name' | 'digest'>,
  isFirst: boolean,
): Promise<VolumePlace> {
  const { id, name } = home.placement
  const base = `${project.name}_${(isFirst ? dataVolumeOf(home) : undefined) ?? `${name}-${generation}`}`
  // One of that name may be that of a database that was removed, or somebody's own.
  const volume = (await volumeLabels(base)) === undefined ? base : `${base}-${id.slice(-8)}`
  const place = { volume, image, digest, container: `${project.name}-${name}-${generation}-${id.slice(-8)}`, database: id }
  await keepPlace(home, generation, place)
  return place
}

export async function keepPlace(home: Home, generation: string, place: VolumePlace): Promise<void> {
  await writeDurably(placeFile(generationFolder(home, generation)), `${JSON.stringify(place)}\n`)
}

export async function makeVolume(
  home: Home,
  project: ComposeProject,
  generation: string,
  { volume, database }: VolumePlace,
): Promise<void> {
  const labels = labelsOf(project, database, generation).flatMap((label) => ['--label', label])
  await ask(['volume', 'create', ...labels, volume])
  if ((await volumeLabels(volume))?.[LABEL.database] === database) return
  throw new HayaiError('CONFLICT', `Docker has another volume called ${volume}`, {
    hint: `Look at it with \`docker volume inspect ${volume}\`, and remove it if nobody needs it. ${called(home)} was not touched.`,
  })
}

export function labelsOf(project: ComposeProject, database: string, generation: string): readonly string[] {
  return [`${LABEL.project}=${project.mark}`, `${LABEL.database}=${database}`, `${LABEL.generation}=${generation}`]
}

export async function placeOf(home: Home, generation: string): Promise<VolumePlace> {
  const place = await placeIn(generationFolder(home, generation))
  if (place !== undefined) return place
  throw new HayaiError('CORRUPT', `${placeFile(generationFolder(home, generation))} is gone, which tells the volume of ${called(home)}`, {
    hint: 'Put it back: `docker volume ls --filter label=org.hayai.generation` lists the volumes.',
  })
}

export async function placeIn(folder: string): Promise<VolumePlace | undefined> {
  const content = await readIfThere(placeFile(folder))
  if (content === undefined) return undefined
  const { volume, image, digest = null, container, database } = JSON.parse(content) as Record<string, unknown>
  if (typeof volume === 'string' && typeof image === 'string' && typeof container === 'string' && typeof database === 'string') {
    return { volume, image, digest: typeof digest === 'string' ? digest : null, container, database }
  }
  throw new HayaiError('CORRUPT', `${placeFile(folder)} is damaged`, { hint: 'Put back a good copy of it.' })
}

export function recordIn({ image: name, digest }: VolumePlace): ImageRecord {
  return { name, digest }
}

export async function volumeIsThere(volume: string): Promise<boolean> {
  return (await volumeLabels(volume)) !== undefined
}

/** What is in Docker of the generation that the folder tells of, and bears its mark: the twin's container and the volume. */
export async function deletePlace(folder: string): Promise<void> {
  const place = await placeIn(folder)
  if (place === undefined) return
  if ((await see(place.container))?.labels[LABEL.database] === place.database)
    await removed(['rm', '--force', '--volumes', place.container])
  if ((await volumeLabels(place.volume))?.[LABEL.database] === place.database) await removed(['volume', 'rm', place.volume])
}

async function removed(args: readonly string[]): Promise<void> {
  try {
    await ask(args)
  } catch (error) {
    if (!isNoSuch(error)) throw error
  }
}

function placeFile(folder: string): string {
  return join(folder, 'place.json')
}
