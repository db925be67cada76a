// What Docker says of a container; asked each time, never remembered.

import { askIfThere } from './docker.ts'

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
  readonly Mounts: readonly { readonly Type: string; readonly Name?: string; readonly Source: string; readonly Destination: string }[]
  readonly State: {
    readonly Running: boolean
    readonly Paused: boolean
    readonly Restarting: boolean
    readonly ExitCode: number
    readonly Health?: { readonly Status: string; readonly FailingStreak: number } | null
  }
  readonly RestartCount: number
  readonly Config: { readonly Labels: Readonly<Record<string, string>> | null; readonly Image: string; readonly StopSignal?: string }
  readonly NetworkSettings: { readonly Ports: Readonly<Record<string, readonly { readonly HostPort: string }[] | null>> | null }
}

export async function see(container: string): Promise<Seen | undefined> {
  const said = await askIfThere(['container', 'inspect', '--format', '{{json .}}', container])
  if (said === undefined) return undefined
  const { State, RestartCount, Config, NetworkSettings, Image, Mounts } = JSON.parse(said) as Inspected // Docker's API has said so since 1.12
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
    mounts: Mounts.flatMap(({ Type, Name, Source, Destination }): readonly Mount[] => {
      if (Type === 'volume' && Name !== undefined) return [{ kind: Type, source: Name, target: Destination }]
      return Type === 'bind' ? [{ kind: Type, source: Source, target: Destination }] : []
    }),
    ports,
  }
}
