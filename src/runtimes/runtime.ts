// The contract of a runtime: where databases live. A runtime never knows what it runs; an engine's recipe tells it.

import type { Bytes } from '../base/bytes.ts'
import type { Census, Certificates, Engine, Settings, Target, Trust } from '../engines/engine.ts'

/** `unreachable`: what runs the databases, such as Docker, does not answer. */
export type Status = 'running' | 'stopped' | 'file' | 'missing' | 'unhealthy' | 'unreachable'

/** Everything a runtime is told of one database. */
export interface Placement {
  readonly id: string
  readonly name: string
  /** The version asked for (`15`), if one was. */
  readonly version: string | undefined
  /** 0 for a database without a port. */
  readonly port: number
  /** The adopted or declared file of an embedded database; absolute. */
  readonly file: string | undefined
  readonly settings: Settings
  /** This database's own folder of generations: `.hayai/data/<name>`; absolute. May not exist yet. */
  readonly dataDir: string
  /** `.hayai/run/<name>`; absolute. */
  readonly runDir: string
  /** The server's log; absolute. */
  readonly logFile: string
  readonly project: ProjectPlace
  readonly container: ContainerWish
  /** When there, a live server takes encrypted connections alone. */
  readonly certificates?: CertificateSource | undefined
}

export interface CertificateSource {
  /** Paths of files that are good now: made, renewed, or found; throws CONFIG_INVALID when those that were put there are not. */
  ensure(): Promise<Certificates>
}

/** By what the clients of a live server check it, and how long its certificate holds. */
export interface Proof extends Trust {
  readonly until: Date
}

export interface ProjectPlace {
  /** Absolute. */
  readonly root: string
  /** What `.hayaidb` calls it. */
  readonly name: string | undefined
  /** `.hayai/compose`, for what the project has in Docker; absolute. May not exist yet. */
  readonly folder: string
}

/** What `.hayaidb` wants of a container; a runtime without containers has no use for it. */
export interface ContainerWish {
  readonly image: string | undefined
  /** The image that the data to come is from. */
  readonly known?: ImageRecord | undefined
  /** The folder of the data, and the port of the server, in its container, where they are other than the engine's. */
  readonly data?: string | undefined
  readonly listens?: number | undefined
  /** How a copy of its data folder is of one moment: `stop`, `pause`, or a command before the pause; `stop` when not given. */
  readonly quiesce?: string | undefined
  /** `SOURCE:/TARGET[:MODE]`, as they are written. */
  readonly volumes: readonly string[]
  readonly memory: string | number | undefined
  readonly restart: string | undefined
  /** The container that others made, and in which the database is; then nothing else here matters. */
  readonly adopted?: string | undefined
  /** As Compose understands it. */
  readonly healthcheck: Readonly<Record<string, unknown>> | undefined
  readonly environment: Readonly<Record<string, string>>
}

/** Which image, exactly: its name may come to mean another one. */
export interface ImageRecord {
  readonly name: string
  /** By which its registry knows it; null for one that was built on a machine, and never was in a registry. */
  readonly digest: string | null
}

/** Who waits while something is fetched, and hears how far it is. */
export interface Fetching {
  readonly signal: AbortSignal
  stage(name: string): void
}

export interface Circumstances {
  /** What `.hayaidb` names. */
  readonly image?: string | undefined
  /** The image as it was where the data is from: what its name means there is fetched, where this machine has none of that name. */
  readonly known?: ImageRecord | undefined
  readonly watch?: Fetching | undefined
}

/** One data folder (or file) that a database has, or had. */
export interface Generation {
  readonly name: string
  readonly made: string
  /** Why it is there: `created`, `adopted`, `restored from <snapshot id>`. */
  readonly origin: string
  readonly live: boolean
  /** The exact version of the server that made the data; null for a file. */
  readonly version: string | null
  /** When it stopped being live; its grace period runs from here. */
  readonly retired: string | undefined
}

export interface Runtime {
  readonly name: string
  /** The shapes of recipe it can host. */
  readonly shape: 'server' | 'file'
  /** Whether it runs images. */
  readonly containers: boolean
  /** The lowest port that its servers can listen on, as things are on this machine. */
  lowestPort(): Promise<number>
  /** Throws ENVIRONMENT, with what to install or do, when this machine cannot host such a database; else tells the exact version. */
  probe(engine: Engine, version: string | undefined, circumstances?: Circumstances): Promise<{ readonly version: string }>
  /** What there is to know of a container that others made. Throws USAGE where this runtime has no containers. */
  examine(engine: Engine, container: string): Promise<Examined>
  /** Lets go of what lies outside of a folder of generations that is about to be deleted. */
  discard(dataDir: string): Promise<void>
  site(placement: Placement, engine: Engine): Site
}

export interface Examined {
  readonly version: string
  readonly image: string
  /** On this machine's loopback. */
  readonly port: number
  /** As `.hayaidb` would declare it: it holds the password. */
  readonly environment: Readonly<Record<string, string>>
}

export interface Interruption {
  readonly container: string
}

/** One database in its place. All but status, interrupts, container, generations and open are called with the database's lock held. */
export interface Site {
  /** Where the data is, for people and for URIs: the file itself, or the folder of the generations. Always the same. */
  readonly path: string
  /**
   * What a switch to other data stops and starts again, though it is not Hayai's. Throws WRONG_STATE, with what to do instead, where the
   * data cannot be exchanged there. undefined where all is Hayai's own.
   */
  interrupts(): Promise<Interruption | undefined>
  /** The container of its server, as Docker calls it, whether it runs or not; undefined where it is in none. */
  container(): Promise<string | undefined>
  /** Of its server, which runs or ran last; undefined where there is none. */
  image(): Promise<ImageRecord | undefined>
  /** Asked of the system, never remembered. */
  status(): Promise<Status>
  /** Of the server that runs, or ran last: undefined where it takes plain connections. */
  proof(): Promise<Proof | undefined>
  /** Makes the first generation. Throws CONFLICT when there is data already. Half a creation leaves nothing. */
  create(): Promise<void>
  /** Returns when the database answers a query. Does nothing when it already does. What takes longer than a start is told to `stage`. */
  start(signal: AbortSignal, stage?: (name: string) => void): Promise<void>
  /** Returns when the server is gone. Does nothing when it already is. */
  stop(): Promise<void>
  /** Stops it, and takes away all but its data that others see of it, so that another may have its name. start() makes that again. */
  retire(): Promise<void>
  /**
   * Throws WRONG_STATE, with the command that starts it, when the database does not answer. Its programs are those of the server's
   * own version, or of `programsOf`, for a dump that a newer server shall read.
   */
  open(programsOf?: string): Promise<Target>
  /** An empty generation beside the live one, asleep; where nothing is live yet, it may become the first. */
  twin(watch?: Fetching): Promise<Twin>
  generations(): Promise<readonly Generation[]>
  /** Makes a kept generation the live one. A running database is running again afterwards; on failure all is as before. */
  switchTo(generation: string, watch?: Fetching): Promise<Generation>
  /** Which generation `undo` (-1) or `redo` (+1) leads to, if any. */
  neighbour(step: -1 | 1): Promise<Generation | undefined>
  /** Deletes a kept generation that is not live. */
  drop(generation: string): Promise<void>
  /** Puts right what a killed command left: finishes or takes back a half-made switch, stops and deletes twins nobody fills. */
  recover(): Promise<void>
  /** The end of the server's log; with `follow` it goes on until the signal. Throws WRONG_STATE when there is none yet. */
  logs(options: { readonly follow: boolean; readonly lines: number }, signal?: AbortSignal): Bytes
}

export interface Twin {
  readonly name: string
  /** For `asleep` formats: before wake(); for `awake` ones: after it. */
  target(): Promise<Target>
  /** For server engines: creates (when nothing was laid down) and starts it for filling. For a file: nothing. */
  wake(signal: AbortSignal): Promise<void>
  /**
   * Brings the twin to rest, makes every byte durable, and makes it the live generation. A running database is running again
   * afterwards. On failure, or a crash at any point, the live generation is the one before. `counted`: what the twin holds, for a
   * runtime that has to look again once it is in its place.
   */
  swap(origin: string, counted?: Census): Promise<Generation>
  /** Stops and deletes the twin unless it was swapped in. To be called always. */
  close(): Promise<void>
}
