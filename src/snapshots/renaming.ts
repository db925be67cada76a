// Another name for a snapshot: it is there under the old one until it is there, whole, under the new one. Killed anywhere, it
// is listed once; the next writer clears up what is left of the other name (unfinished.ts).

import { HayaiError } from '../base/errors.ts'
import type { Store } from '../stores/store.ts'
import type { Manifest } from './manifest.ts'
import { endingOf, isLatestName, manifestNameOf } from './naming.ts'
import { encode } from './saving.ts'
import { claim, release } from './unfinished.ts'

export interface Named {
  readonly stem: string
  readonly manifest: Manifest
}

/** The stem that a person means: what they typed, without the ending of the data file or of the manifest. Throws USAGE. */
export function stemFrom(typed: string, { stem, manifest }: Named): string {
  const endings = ['.json', ...manifest.files.map(({ name }) => endingOf(name, stem))]
  const ending = endings.find((each) => each !== '' && typed.endsWith(each)) ?? ''
  const wanted = typed.slice(0, typed.length - ending.length)
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$/.test(wanted) && !isLatestName(`${wanted}.`)) return wanted
  throw new HayaiError('USAGE', `${JSON.stringify(typed)} cannot be the name of a snapshot`, {
    hint: 'Use 1 to 120 letters, digits, ".", "-" and "_", beginning with a letter or digit; names that end in "-snapshot-latest" are links.',
  })
}

/** CONFLICT when there is anything under the new name. */
export async function rename(store: Store, from: Named, stem: string): Promise<Named> {
  const renamed = underStem(from, stem)
  const [file] = renamed.manifest.files
  const [before] = from.manifest.files
  if (file === undefined || before === undefined) throw new Error('a manifest without a file passed the schema')
  const inTheWay = (await store.list(`${stem}.`))[0]
  if (inTheWay !== undefined) {
    throw new HayaiError('CONFLICT', `${inTheWay.key} is already there in ${store.label}`, { hint: 'Choose another name.' })
  }
  await claim(store, stem, { file: file.name })
  try {
    await claim(store, from.stem, { file: before.name, successor: stem })
  } catch (error) {
    await release(store, stem)
    throw error
  }
  try {
    await store.copy(before.name, file.name)
    await store.put(manifestNameOf(stem), encode(renamed.manifest), { ifAbsent: true })
  } catch (error) {
    await store.delete(file.name).then(() => release(store, stem))
    await release(store, from.stem)
    throw error
  }
  await release(store, stem)
  await store.delete(manifestNameOf(from.stem))
  await store.delete(before.name)
  await release(store, from.stem)
  return renamed
}

function underStem({ stem: old, manifest }: Named, stem: string): Named {
  const nameOf = (name: string): string => stem + endingOf(name, old)
  const told = (line: string): string => line.replaceAll(old, stem)
  return {
    stem,
    manifest: {
      ...manifest,
      files: manifest.files.map((file) => ({ ...file, name: nameOf(file.name) })),
      byHand: manifest.byHand.map(told),
    },
  }
}
