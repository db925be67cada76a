// What a server is told of its place, and what an engine is told of it. Part of the contract of an engine (engine.ts).

import type { Secret } from '../base/secret.ts'

export interface Endpoint {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: Secret
  readonly database: string
  /** Connections are encrypted, and the server proves who it is; nobody is let in otherwise. */
  readonly tls?: Trust | undefined
}

/** The authority by which a server's certificate is checked. */
export interface Trust {
  /** PEM. */
  readonly authority: string
  /** The file that holds it, as the programs see it that connect to this endpoint. */
  readonly file: string
}

/** Files with which a server proves who it is, as it sees them. */
export interface Certificates {
  readonly authority: string
  readonly certificate: string
  readonly key: string
}

/** What an engine made of `environment:`. For a file without users all three are empty. */
export interface Settings {
  readonly user: string
  readonly password: Secret
  readonly database: string
  /** Settings of the server itself, by its own names. */
  readonly server: Readonly<Record<string, string>>
  /** Arguments for the program that makes the data folder; they matter at creation only. */
  readonly creation?: readonly string[]
  /** Passwords besides the login's that creation needs, by the engine's own names. */
  readonly secrets?: Readonly<Record<string, Secret>>
  /** The format that is taken when nobody names one, where that is not the engine's first. */
  readonly format?: string
  /** Names in `environment:` that mean nothing to this engine; `validate` warns of them. */
  readonly unknown: readonly string[]
}

/** What a live server finds besides its data folder. Paths are as the server sees them. */
export interface Surroundings {
  /** The recipe's `texts`, by name. */
  readonly texts: Readonly<Record<string, string>>
  /** The recipe's `shares`, by the name that each has in a container. */
  readonly shares: Readonly<Record<string, string>>
  /** A plain name that no other data folder has, not even one that was made of a copy of this one. */
  readonly mark: string
  /** When there, the server takes encrypted connections alone. */
  readonly certificates?: Certificates | undefined
}

/** While a database is made or filled, there is nothing. */
export const NOTHING_AROUND: Surroundings = { texts: {}, shares: {}, mark: '' }

/** What a program of the recipe is told of its place. Paths are as that program sees them. */
export interface Place {
  readonly dataDir: string
  readonly port: number
  readonly settings: Settings
  /** A file, readable by the server's account alone, that holds the password (or `secretFile`) and is removed after creation. */
  readonly passwordFile: string
  /** Which of `looksFor` are there. */
  readonly found: readonly string[]
  readonly around: Surroundings
  /** The folder of the installation, where the server has to be told it: see `ownFiles`. */
  readonly base?: string | undefined
}

/** A server that has just begun to answer, for what still has to be told to it. */
export interface Risen {
  readonly endpoint: Endpoint
  readonly settings: Settings
  readonly data: DataFolder
  readonly signal: AbortSignal
}

/** The folder of a server's data, wherever it is. Names are below it: `a/b`. */
export interface DataFolder {
  has(name: string): Promise<boolean>
  /** Durably removes files and folders; those that are not there are passed over. */
  remove(names: readonly string[]): Promise<void>
}

/** Of a server that others configured, and that answers. */
export interface Keeps {
  /** Changes nothing. */
  readonly ask: (endpoint: Endpoint) => Promise<Keeping>
  /** Sees to it that all that it holds is among its data once it has been asked to end. What that takes is forgotten when it ends. */
  readonly beforeEnd: (endpoint: Endpoint) => Promise<void>
}

/** What of a server's folder is its data, by names and patterns of the shell; all else is its owner's: settings, certificates, logs. */
export interface Keeping {
  /** As the server sees it. */
  readonly folder: string
  readonly names: readonly string[]
  /** These are its owner's, also where `names` fits. */
  readonly owners: readonly string[]
  /** Without it a server does not start, or has nothing: it goes first and comes last. */
  readonly heart: string
  /** What of a twin's folder is wanted, and its path here; null: all that is data, as it is. */
  readonly moves: Readonly<Record<string, string>> | null
  /** Small files that are needed besides, by their path. */
  readonly texts: Readonly<Record<string, string>>
}

/** What the engine's official image wants to be told, and what the server in it is told besides. */
export interface ContainerFacts {
  /** The image's name; its tag is the version asked for. '' where only `.hayaidb` can name it, and with it the folder of the data. */
  readonly image: string
  /** The tag when no version is asked for, or only the major one of this; where there is none, the major version is a tag. */
  readonly tag?: string
  /** The server's program in the image, where it is called otherwise than elsewhere. */
  readonly server?: string
  /** Where the volume of the data goes. */
  readonly dataDir: string
  /** For the image's own initialisation of an empty volume; `file` tells the path in the container of one of `secrets`. Never a secret. */
  readonly environment: (
    settings: Settings,
    file: (secret: string) => string,
    purpose: 'live' | 'filling',
  ) => Readonly<Record<string, string>>
  /** The same, with secrets, for an image that cannot be told them otherwise: they are kept in a file of their own, for its shell where it has one. */
  readonly hidden: (settings: Settings) => Readonly<Record<string, string>>
  /** Users and passwords are among its data: who has a copy of its folder has the login of the database that it is of. */
  readonly loginInData?: true
  /** It is asked to end by the signal that the image names, and however it then ends is well. */
  readonly endsByItself?: true
  /** What `.hayaidb` says besides goes to the image as it is, and to that of a trial too. */
  readonly environmentAsDeclared?: true
  /** Contents of files that root in the container can read, by name. */
  readonly secrets: (settings: Settings) => Readonly<Record<string, string>>
  /** Files that everybody in the container can read, by their path in it; the image runs those that it looks for. Never a secret. */
  readonly files: (settings: Settings) => Readonly<Record<string, string>>
  /** What the image's entry point is given; `input` goes to the program's stdin, which no other user of the machine can see. */
  readonly serve: (
    place: Pick<Place, 'settings' | 'found' | 'around'>,
    purpose: 'live' | 'filling',
  ) => { readonly args: readonly string[]; readonly input?: string }
  /** What `.hayaidb` would say of a container that others made, from its environment and the arguments of its program. */
  readonly declared: (environment: Readonly<Record<string, string>>, args: readonly string[]) => Readonly<Record<string, string>>
  /** Of a server that others configured; null where its data cannot be exchanged in its place. */
  readonly keeps: Keeps | null
  /** A program in the image that succeeds when the server answers over TCP, at this port; none where there is no such program. */
  readonly healthcheck: (settings: Settings, secured: boolean, port: number) => readonly string[]
}
