// What a switch of several databases is about to do, `.hayai/together.json`: it is there from before the first of them changes until
// all have changed, or none has. Whoever comes after a crash finds in it what to finish or to take back.

import { rm } from 'node:fs/promises'
import { z } from 'zod'
import { HayaiError } from '../base/errors.ts'
import { readIfThere, syncFolder, writeDurably } from '../base/files.ts'
import { NAME_PATTERN } from '../base/names.ts'
import type { Paths } from './paths.ts'

export interface Switch {
  readonly database: string
  /** The live generation before; null where there was none. */
  readonly from: string | null
  readonly to: string
  /** Whether `to` is nothing worth keeping when it is taken back. */
  readonly fresh: boolean
}

export interface Journal {
  readonly formatVersion: 1
  /** By which the generations, and the history, know it again. */
  readonly id: string
  readonly at: string
  /** Whether it is to be told in the history as a restore. */
  readonly restores: boolean
  /** Databases that were not there before. */
  readonly made: readonly string[]
  /** Whether `.hayaidb` was made for it. */
  readonly declared: boolean
  /** Empty until all is ready to be switched. */
  readonly switches: readonly Switch[]
}

const name = z.string().regex(NAME_PATTERN)
const generation = z.string().regex(/^g\d{4,9}$/)

const schema: z.ZodType<Journal> = z.object({
  formatVersion: z.literal(1),
  id: z.string().regex(/^[0-9a-f]{8}$/),
  at: z.iso.datetime(),
  restores: z.boolean(),
  made: z.array(name),
  declared: z.boolean(),
  switches: z.array(z.object({ database: name, from: generation.nullable(), to: generation, fresh: z.boolean() })),
})

export async function writeJournal({ journal: file }: Paths, journal: Journal): Promise<void> {
  await writeDurably(file, `${JSON.stringify(schema.parse(journal), null, 2)}\n`)
}

export async function removeJournal({ journal: file, own }: Paths): Promise<void> {
  await rm(file, { force: true })
  await syncFolder(own)
}

export async function readJournal({ journal: file }: Paths): Promise<Journal | undefined> {
  const content = await readIfThere(file)
  if (content === undefined) return undefined
  try {
    return schema.parse(JSON.parse(content))
  } catch (cause) {
    throw new HayaiError('CORRUPT', `${file} is damaged`, {
      hint: 'Look with `hayai list` whether the databases are as you want them, and then delete this file.',
      cause,
    })
  }
}
