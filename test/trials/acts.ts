// The acts: each actor with each format that its engine itself has. The journey is gone through in every one; the heavier trials in
// the first one and the physical ones, for the logical ones differ from the first in their text alone.

import { parts } from '../../src/parts.ts'
import { noDocker, withoutImage } from '../runtimes/compose/docker.ts'
import { cast, type Actor } from './cast.ts'
import { mysql, mysqlVersion } from './mariadb.ts'

export interface Act extends Actor {
  /** What `init` is told besides the name and the engine. */
  readonly place: { readonly runtime?: string; readonly version?: string }
  /** Where it lives, as titles tell it. */
  readonly where: string
  /** The name of the format; `--format`. */
  readonly format: string
  readonly extension: string
  /** Whether it is the engine's default. */
  readonly first: boolean
  readonly physical: boolean
  /** Whether it becomes files, on which something is started only then: it is digested while they are written, not before. */
  readonly asleep: boolean
  /** Whether all is tried, or only what can be otherwise where it lives. */
  readonly whole: boolean
}

export function actsOf(actor: Actor): readonly Act[] {
  return (parts.engines[actor.engine]?.formats ?? []).map(({ name: format, extension, kind, fills }, at) => ({
    ...actor,
    place: {},
    where: 'here',
    format,
    extension,
    first: at === 0,
    physical: kind === 'physical',
    asleep: fills === 'asleep',
    whole: true,
  }))
}

export const acts: readonly Act[] = cast.flatMap(actsOf)

export const heavy: readonly Act[] = acts.filter(({ first, physical }) => first || physical)

const VERSIONS: Readonly<Record<string, string>> = { postgresql: '15', mariadb: '10.11', redis: '7' }

/** The same in containers: the engines that have an image for the tests. One of them tries all. */
export const contained: readonly Act[] = heavy.flatMap((act) => {
  const version = VERSIONS[act.engine]
  return version === undefined
    ? []
    : [{ ...inContainer(act, version), missing: act.missing ?? noDocker, whole: act.engine === 'postgresql' && act.first }]
})

/** Where its programs were fetched, it has an image as well. */
export const containedMysql: readonly Act[] = actsOf(mysql).map((act) => ({
  ...inContainer(act, mysqlVersion),
  missing: act.missing ?? withoutImage('mysql'),
  whole: false,
}))

function inContainer(act: Act, version: string): Act {
  return { ...act, place: { runtime: 'compose', version }, where: 'in a container' }
}
