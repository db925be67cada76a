// What single tables were when they were put in: by name, a digest of their rows. It is written before anything is changed, so that
// whoever takes them back can tell what has been written to them since.

import { HayaiError } from './errors.ts'
import { readIfThere, writeDurably } from './files.ts'

export type Digests = Readonly<Record<string, string>>

export async function writeReceipt(file: string, digests: Digests): Promise<void> {
  await writeDurably(file, `${JSON.stringify(digests)}\n`)
}

/** undefined when there is none: then nothing had been changed yet. */
export async function readReceipt(file: string): Promise<Digests | undefined> {
  const content = await readIfThere(file)
  return content === undefined ? undefined : (JSON.parse(content) as Digests) // written above
}

/** `what` begins the sentence: `the table users was`. */
export function changedSince(what: string): HayaiError {
  return new HayaiError('CONFLICT', `${what} written to since, and taking it back would lose that`, { hint: 'Nothing was changed.' })
}

export function tablesChanged(names: readonly string[]): HayaiError {
  return changedSince(names.length === 1 ? `the table ${names[0]} was` : `the tables ${names.join(', ')} were`)
}
