// The acts: each actor with each format that its engine itself has. The journey is gone through in every one; the heavier trials in
// the first one and the physical ones, for the logical ones differ from the first in their text alone.

import { parts } from '../../src/parts.ts'
import { cast, type Actor } from './cast.ts'

export interface Act extends Actor {
  /** The name of the format; `--format`. */
  readonly format: string
  readonly extension: string
  /** Whether it is the engine's default. */
  readonly first: boolean
  readonly physical: boolean
}

export const acts: readonly Act[] = cast.flatMap((actor) =>
  (parts.engines[actor.engine]?.formats ?? []).map(({ name: format, extension, kind }, at) => ({
    ...actor,
    format,
    extension,
    first: at === 0,
    physical: kind === 'physical',
  })),
)

export const heavy: readonly Act[] = acts.filter(({ first, physical }) => first || physical)
