// The contract of an engine: how one kind of database is created, served, counted, dumped and loaded.
//
// How to add an engine: write one file in this room that exports an Engine, and add one line to parts.ts. Give facts, not
// code, wherever a fact will do. An engine never learns where it runs (a Target is its only hand on the world), never
// imports another engine, and has no optional methods. Then run the trials in test/trials: every engine stands the same.

import type { Bytes } from '../base/bytes.ts'
import type { Landing } from '../base/landing.ts'
import type { Secret } from '../base/secret.ts'
import type { Outline } from './contract/outline.ts'
import type { Pieces } from './contract/pieces.ts'
import type { FileRecipe } from './file-recipe.ts'
import type { ContainerFacts, Endpoint, Place, Risen, Settings } from './place.ts'

export type * from './contract/outline.ts'
export type * from './contract/pieces.ts'
export type { Exchange, FileRecipe, Look } from './file-recipe.ts'
export { NOTHING_AROUND } from './place.ts'
export type * from './place.ts'

/** Countable facts of a database, all of one instant. Two copies of the same data have equal censuses. */
export interface Census {
  /** Rows of each table (keys of each Redis db): `database/schema.table` or `table` → rows. */
  readonly tables: Readonly<Record<string, number>>
  /** Other things worth counting: `database/indexes`, `roles`, ... → how many. */
  readonly objects: Readonly<Record<string, number>>
  /** True of a physical copy that others wrote to: `tables` stood all the while; what is restored has them, maybe others, and any number of rows. */
  readonly moving?: boolean | undefined
  /** True of a data folder whose files and bytes were counted, for want of anything else: they are counted again before a server starts on them. */
  readonly resting?: boolean | undefined
}

export interface Facts {
  readonly product: string
  /** The exact version that the server or library reports of itself. */
  readonly version: string
  readonly census: Census
  /** What cannot be carried by the format, or deserves a warning; each a whole sentence, kept in the manifest. */
  readonly notes: readonly string[]
  /** Program → version it reports. */
  readonly tools: Readonly<Record<string, string>>
  /** Of a dump: milliseconds for which writers, or some of them, were kept waiting; not there where nobody was. */
  readonly blocked?: number | undefined
  /** The server's settings that are in force and are not its own defaults, by its own names, without secrets; none for a file. */
  readonly settings?: Readonly<Record<string, string>> | undefined
}

export interface Outlined extends Facts {
  readonly outline: Outline
}

export interface Survey extends Outlined {
  /**
   * Table, as in the census → a digest of its rows, whatever their order. Equal rows give equal digests on every server of the
   * engine. null when it was not asked for. A table is left out where its rows cannot be read.
   */
  readonly digests: Readonly<Record<string, string>> | null
}

export interface Concern {
  readonly kind: 'archiving'
  /** Ends a sentence that begins with the database's name. */
  readonly says: string
  readonly hint: string
}

/**
 * How several come to one moment, in this order: `lock` is for a lock that others let go of when they like (writers of that one file
 * then wait for all the rest), `stop` for a server whose writers are kept waiting, `fix` for the instant. Whoever keeps writers out
 * calls `fix` with them kept out, so that theirs is any instant from then on.
 */
export const STEPS = ['lock', 'stop', 'fix'] as const
export type Step = (typeof STEPS)[number]

/**
 * Called when all that takes time is done before that step; returns when all have come as far, and throws when the instant is not
 * wanted any more. Steps that are left out are others' alone.
 */
export type Ready = (step: Step) => Promise<void>

/** A dump whose instant is already fixed: what others write from now on is not in it. A physical copy may be of its end instead. */
export interface Dump {
  /** When the instant was fixed. A physical copy is of its end, and tells that once the bytes have ended; until then, when it began. */
  readonly instant: Date
  readonly bytes: Bytes
  /** Instead of `bytes`: each after its maker has written it into the file. null where none but this process could. */
  readonly land: ((into: Landing) => Bytes) | null
  /** Facts of that instant. Settles no later than when the bytes have ended. */
  facts(): Promise<Outlined>
  /** About how many bytes will come, where it can be known, for progress only. */
  readonly expectedBytes: number | undefined
  /** Lets go of what holds the instant. To be called always, also when the bytes were never read. */
  close(): Promise<void>
}

export interface Format {
  readonly name: string
  /** With its dot: `.sql`. */
  readonly extension: string
  /** Whether a twin must be awake (a server that takes SQL) or asleep (files are laid down) to be filled. */
  readonly fills: 'awake' | 'asleep'
  /** A physical format fits only the same major version; a logical one fits the same or a newer one. */
  readonly kind: 'logical' | 'physical'
  /** A stock tool of this engine is used to *write* to a file of this kind by name: it must never be given another name of a snapshot. */
  readonly overwritten?: true
  /** The server is stopped while its folder is copied, and runs again before anything is packed. */
  readonly atRest?: true
  /** How the beginning of a file tells of which version the server was: the first group. */
  readonly tells?: RegExp
  /** How it is compressed when nobody says. */
  readonly compressed?: 'gzip'
  /** The commands that restore the file by hand, without Hayai, with the stock tools. `file` is its plain name. */
  byHand(file: string, census: Census): readonly string[]
}

export interface Invocation {
  /** A program's bare name; the runtime finds the one that belongs to the server. */
  readonly program: string
  readonly args: readonly string[]
  /** Added to a small, fixed environment. Secrets are revealed only to the child. */
  readonly env?: Readonly<Record<string, string | Secret>>
  /** Ends the program, also one that hangs without a word. */
  readonly signal?: AbortSignal
  /** Its output, of about `expects` bytes, goes into this file, and has been written there when it is yielded. */
  readonly into?: Landing | undefined
  readonly expects?: number
}

/** A copy of a data folder that was at rest; gone when its target is closed. */
export interface RestingCopy {
  /** When it was at rest. */
  readonly instant: Date
  /** For how many milliseconds nobody could use the database. */
  readonly blocked: number
  /** How many there are; with several names, as many times. */
  readonly files: number
  /** Of all files together. */
  readonly bytes: number
  /** What was left out, because it is neither file, folder nor link: sockets. */
  readonly skipped: readonly string[]
  /** Packed while it is read: with numeric owners, modes, times and links. */
  readonly archive: Bytes
}

/** Where programs work that go to the server's own files, and leave what they make in a folder: where the server is, it may be in a container. */
export interface Workshop {
  /** Of an empty folder, as the programs of this run() see it, and of another for what they need but for a while. */
  readonly path: string
  readonly temporary: string
  /** As the target's. The data has for these programs the very name that the server tells. */
  run(invocation: Invocation, input?: Bytes): Bytes
  /** Another one as soon as a file in the folder has grown or changed. */
  extent(): Promise<string>
  /** A small file of the folder, undefined where it is not there. */
  read(name: string): Promise<string | undefined>
  /** Lays a tar archive down in the folder. Throws CORRUPT when it is cut, or something in it leads out of the folder. */
  unpack(bytes: Bytes, signal: AbortSignal): Promise<void>
  /** All that is in the folder, as a tar archive. Nobody writes there any more; where it can, it removes each file that it has read. */
  archive(signal: AbortSignal): Bytes
  /** Both folders are gone with it, and also when this process is killed. To be called always. */
  close(): Promise<void>
}

/** An engine's hands on one database, the same in a file, a process, a container. */
export interface Target {
  /** Where the server answers; undefined for a database that is a file. */
  readonly endpoint: Endpoint | undefined
  /** The same server, as the programs of run() reach it: they may be in its container; where they are not, the very endpoint. */
  readonly inner: Endpoint | undefined
  /** The exact version of the server, where the runtime knows it without asking; else null. */
  readonly version: string | null
  /** The folder of the data (server) or the database file itself (embedded), as this process sees it. */
  readonly path: string
  /** An empty folder on the same file system, gone at close(). */
  readonly scratch: string
  /** Runs a program with this input. The output ends only if the program exited 0; else it throws TOOL_FAILED with its last words. */
  run(invocation: Invocation, input?: Bytes): Bytes
  /** Beside the live server. */
  workshop(signal: AbortSignal): Promise<Workshop>
  /**
   * The folder of a live server, of one moment: the server is stopped, the folder copied aside, and the server answers again before
   * this settles, whether or not the copy came to anything. After a kill in between the next command brings it back. WRONG_STATE
   * when something was changed meanwhile. `onFile` is told after each file.
   */
  copyAtRest(signal: AbortSignal, onFile: () => void): Promise<RestingCopy>
  /**
   * Lays a tar archive down in the empty folder of a twin that sleeps: modes and links as they are, and owners too where the server
   * runs as others than whoever runs Hayai. Throws CORRUPT when it is cut, or a name or a link in it leads out of the folder.
   */
  layDown(bytes: Bytes, signal: AbortSignal): Promise<void>
  /** On the disk of its data. */
  freeBytes(): Promise<number>
  close(): Promise<void>
}

/** Facts from which a runtime makes and runs a server. */
export interface ServerRecipe {
  readonly shape: 'server'
  readonly port: number
  /** The server program, and every other program that must come from the same installation. */
  readonly server: string
  readonly tools: readonly string[]
  /** Tools that only talk to a server that runs: an installation that lacks them is lent those of a newer one. */
  readonly clients?: readonly string[]
  /** Tools that only some formats need: an installation is whole without them, and they are packaged by themselves. */
  readonly extras?: readonly string[]
  /** Where tools may be that are not in the server's own folder, as seen from it: `../bin`. */
  readonly beside?: readonly string[]
  /** Folders in which installations are found besides PATH; `{major}` stands for the version asked for, or for any. */
  readonly folders: readonly string[]
  /** A server that looks for its messages and plug-ins where it was built to be: the folders by which `Place.base`, where it is, is known. */
  readonly ownFiles?: readonly string[]
  /** What makes the server print its version, where that is not `--version`. */
  readonly versionWord?: string
  /** Reads the version from what `<server> --version` prints. */
  readonly versionOf: (printed: string) => string
  /** 15.18 → 15: what may not differ between a data folder and its server. */
  readonly majorOf: (version: string) => string
  readonly defaultMajor: string
  /** What to type to install it; `major` where one was asked for. */
  readonly install: (major: string | undefined) => string
  /** There is no knowing how it is run but by its image. */
  readonly containersOnly?: true
  /** The account the server runs as when Hayai is root. */
  readonly account: string
  /** The server looks up the real path of its folder: to be handed the folder is not enough, its account must be able to walk there. */
  readonly walks?: boolean
  /** What `Place.passwordFile` holds where the bare password will not do: statements that set it, for instance. */
  readonly secretFile?: (settings: Settings) => string
  /** Programs that turn an empty folder into a database at rest, in order. `input` goes to the program's stdin. */
  readonly create: (place: Place) => readonly (Invocation & { readonly input?: string })[]
  /**
   * Programs that give a folder whose files came from a physical snapshot the login and the database of this place, before its
   * server starts for the first time; as `create`, which is not run for such a folder.
   */
  readonly adopt: (place: Place) => readonly (Invocation & { readonly input?: string })[]
  /**
   * Folders besides its data that the live server writes to, by the name that `volumes:` of `.hayaidb` gives them: `/archives`. Where that
   * names none, the runtime has one in the project.
   */
  readonly shares: (settings: Settings) => readonly string[]
  /** Whether it can be made to take encrypted connections alone. */
  readonly secures: boolean
  /** Files that the live server, or what it starts, reads: by name, their content. Never a secret. `secured`: it has certificates. */
  readonly texts: (settings: Settings, secured: boolean) => Readonly<Record<string, string>>
  /** Files below the data folder (`a/b`) by whose presence `serve` decides. */
  readonly looksFor: readonly string[]
  /**
   * The server in the foreground. `filling`: nobody else connects and nothing need survive a crash, so speed comes first.
   * `input` goes to the program's stdin, which no other user of the machine can see; at most 4096 bytes.
   */
  readonly serve: (place: Place, purpose: 'live' | 'filling') => Invocation & { readonly input?: string }
  readonly stopSignal: 'SIGINT' | 'SIGTERM'
  /** Having written all and ended, it dies of that very signal, and not with exit 0. */
  readonly bySignal?: true
  /**
   * Whether ending the server by force loses nothing, because all that was acknowledged is on disk. Where it does not, a live
   * server is given the time it needs to write, and one that refuses to end is left running.
   */
  readonly forcible: boolean
  /** Succeeds once the server answers a query at its endpoint; throws until then: WRONG_STATE while it reads its data, however long that takes. */
  readonly answers: (endpoint: Endpoint) => Promise<void>
  readonly container: ContainerFacts
  /** Tells a server that answers what it could not be told at its start. Each start ends with it; does nothing when nothing is left to do. */
  readonly settle: (risen: Risen, purpose: 'live' | 'filling') => Promise<void>
}

export type Recipe = ServerRecipe | FileRecipe

export interface Engine {
  readonly name: string
  readonly title: string
  /** What the census counts, in the singular: rows of tables, keys of dbs. */
  readonly counts: { readonly what: string; readonly of: string }
  /** The first is the default. */
  readonly formats: readonly Format[]
  readonly recipe: Recipe
  /** Reads `environment:`; `password` is what to use when none is given there. */
  settings(environment: Readonly<Record<string, string>>, password: Secret): Settings
  /** The connection URI of a database; it holds the password. */
  uri(endpoint: Endpoint | undefined, path: string): string
  /** Product, exact version and census of a database that answers. */
  inspect(target: Target): Promise<Facts>
  /** What is amiss with a database that answers, though it does. Asks, and changes nothing. */
  concerns(target: Target, signal: AbortSignal): Promise<readonly Concern[]>
  /** What a database that answers is made of and holds, of one instant where it can. `rows`: with a digest of each table's rows. */
  survey(target: Target, depth: 'outline' | 'rows', signal: AbortSignal): Promise<Survey>
  /** Fixes an instant, right after `ready('fix')` has returned and never before (so that several have the same), and gives facts and bytes of it. */
  dump(target: Target, format: Format, signal: AbortSignal, ready?: Ready): Promise<Dump>
  /** Fills an EMPTY target, never one with data; leaves it ready for use (analysed, checked). */
  load(target: Target, format: Format, bytes: Bytes, signal: AbortSignal): Promise<void>
  /** What `restore --table` and `--key` bring back. */
  readonly pieces: Pieces
  /** A table's rows, out of the plain content of a snapshot in a file, as SQL for such a table; null where none can be read. `scratch` is empty. */
  tableRows(format: Format, file: string, table: string, scratch: string, signal: AbortSignal): Bytes | null
  /** Passes the bytes on; CORRUPT at their end without the format's end marker. `digested`: all are compared by SHA-256, no part needs its own. */
  check(format: Format, bytes: Bytes, digested?: boolean): Bytes
}
