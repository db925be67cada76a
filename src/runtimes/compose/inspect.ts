// What Docker says of a container, an image or a volume; asked each time, never remembered.

import { askIfThere } from './docker.ts'
import { answerAt } from './socket.ts'

export interface Seen {
  readonly running: boolean
  /** Paused, or between two attempts to start. */
  readonly stuck: boolean
  /** Held still, and not yet let go on. */
  readonly paused: boolean
  readonly exit: number
  /** The one that its image names. */
  readonly stopSignal: string | undefined
  readonly health: string | undefined
  /** How often it was started again by itself. */
  readonly restarts: number
  readonly labels: Readonly<Record<string, string>>
  readonly image: string
  readonly imageId: string
  /** What its first program was started with. */
  readonly args: readonly string[]
  /** `NAME=value`, with secrets among them. */
  readonly variables: readonly string[]
  readonly mounts: readonly Mount[]
  /** Port in the container → port of this machine's loopback. */
  readonly ports: Readonly<Record<number, number>>
}

export interface Mount {
  readonly kind: 'volume' | 'bind'
  /** The volume's name, or the folder. */
  readonly source: string
  readonly target: string
}

interface Inspected {
  readonly Image: string
  readonly Args: readonly string[]
  readonly Mounts: readonly { readonly Type: string; readonly Name?: string; readonly Source: string; readonly Destination: string }[]
  readonly State: {
    readonly Running: boolean
    readonly Paused: boolean
    readonly Restarting: boolean
    readonly ExitCode: number
    readonly Health?: { readonly Status: string; readonly FailingStreak: number } | null
  }
  readonly RestartCount: number
  readonly Config: {
    readonly Labels: Readonly<Record<string, string>> | null
    readonly Image: string
    readonly StopSignal?: string
    readonly Env?: readonly string[] | null
  }
  readonly NetworkSettings: { readonly Ports: Readonly<Record<string, readonly { readonly HostPort: string }[] | null>> | null }
}

/** Of an image; `docker image inspect` prints the same. */
export interface InspectedImage {
  readonly Id: string
  readonly RepoDigests: readonly string[] | null
  readonly Config: { readonly Entrypoint?: readonly string[] | null; readonly Cmd?: readonly string[] | null } | null
}

/** The image of that name, digest or id on this machine. */
export function inspectedImage(name: string): Promise<InspectedImage | undefined> {
  return inspected('image', name)
}

/** undefined where there is no such volume. */
export async function volumeLabels(volume: string): Promise<Readonly<Record<string, string>> | undefined> {
  const found = await inspected<{ readonly Labels: Readonly<Record<string, string>> | null }>('volume', volume)
  return found === undefined ? undefined : (found.Labels ?? {})
}

/** What is called so, in the words of Docker's API, which have been these since 1.12. */
async function inspected<What>(kind: 'container' | 'image' | 'volume', name: string): Promise<What | undefined> {
  const path = { container: `/containers/${name}/json`, image: `/images/${name}/json`, volume: `/volumes/${name}` }[kind]
  const answer = PLAIN.test(name) ? await answerAt(path) : undefined
  if (answer === null) return undefined
  if (answer !== undefined) return answer as What
  const said = await askIfThere([kind, 'inspect', '--format', '{{json .}}', name])
  return said === undefined ? undefined : (JSON.parse(said) as What)
}

// Others may mean something else in a path.
const PLAIN = /^[a-z0-9](?:[\w:@-]|[./](?=[a-z0-9]))*$/i

/** Undefined where there is none of that name or id. */
export async function see(container: string): Promise<Seen | undefined> {
  const found = await inspected<Inspected>('container', container)
  if (found === undefined) return undefined
  const { State, RestartCount, Config, NetworkSettings, Image, Mounts, Args } = found
  const ports: Record<number, number> = {}
  for (const [inner, outer] of Object.entries(NetworkSettings.Ports ?? {})) {
    const port = Number(outer?.[0]?.HostPort)
    if (port > 0) ports[Number.parseInt(inner, 10)] = port
  }
  return {
    running: State.Running,
    stuck: State.Paused || State.Restarting,
    paused: State.Paused,
    exit: State.ExitCode,
    stopSignal: Config.StopSignal,
    // One that was held still is called unhealthy until it is looked at again.
    health: State.Health?.Status === 'unhealthy' && State.Health.FailingStreak === 0 ? undefined : State.Health?.Status,
    restarts: RestartCount,
    labels: Config.Labels ?? {},
    image: Config.Image,
    imageId: Image,
    args: Args,
    variables: Config.Env ?? [],
    mounts: Mounts.flatMap(({ Type, Name, Source, Destination }): readonly Mount[] => {
      if (Type === 'volume' && Name !== undefined) return [{ kind: Type, source: Name, target: Destination }]
      return Type === 'bind' ? [{ kind: Type, source: Source, target: Destination }] : []
    }),
    ports,
  }
}
