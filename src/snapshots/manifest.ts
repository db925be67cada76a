// The record of a snapshot. Written last: where there is no manifest, there is no snapshot. docs/FORMAT.md describes it
// for people who have to read one without Hayai. It holds no secret.

import type { Digest } from '../base/bytes.ts'
import type { Census } from '../engines/engine.ts'

export const FORMAT_VERSION = 1

export interface FileRecord {
  /** In the manifest's own folder. */
  readonly name: string
  readonly codec: 'none' | 'gzip' | 'zstd'
  /** As the database's tool wrote it. */
  readonly plain: Digest
  /** As it lies in the store. */
  readonly stored: Digest
}

export interface Manifest {
  readonly formatVersion: typeof FORMAT_VERSION
  /** 32 hexadecimal digits. */
  readonly id: string
  readonly project: string
  readonly database: string
  readonly engine: string
  readonly product: string
  /** The exact version of the server or library that was dumped. */
  readonly version: string
  readonly runtime: string
  /** Of its server, where that is in a container; `digest`: by which its registry knows it, where one does. */
  readonly image?: { readonly name: string; readonly digest: string | null } | undefined
  readonly format: string
  /** Times are UTC. `instant` is the moment the data is of. */
  readonly started: string
  readonly instant: string
  readonly finished: string
  /** At least one. */
  readonly files: readonly FileRecord[]
  /** age recipients; empty: not encrypted. */
  readonly recipients: readonly string[]
  readonly census: Census
  /** What the database was made of, packed (outline.ts); not there in those that an older Hayai wrote, or where it is too large. */
  readonly outline?: string | undefined
  /** What the format could not carry, or deserves a warning. */
  readonly notes: readonly string[]
  readonly tools: Readonly<Record<string, string>>
  readonly comment: string | null
  readonly tags: readonly string[]
  readonly pinned: boolean
  readonly askedBy: 'person' | 'schedule' | 'safety'
  /** The plan that took it, whose retention it is under; not there in what nobody but a person asked for. */
  readonly plan?: string | undefined
  readonly git: { readonly branch: string | null; readonly commit: string } | null
  readonly verification: { readonly at: string; readonly ok: boolean; readonly detail: string } | null
  /** What to type to restore it without Hayai. */
  readonly byHand: readonly string[]
}
