// The scripts that a project can have of Hayai: each does what a command does, under the name that other programs call it by.

import { chmod, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { HayaiError } from '../base/errors.ts'
import { createDurably, exists, makeFolder, readIfThere } from '../base/files.ts'
import type { ScriptsAnswer } from './backup-answers.ts'
import type { Context } from './context.ts'

const LIFECYCLE = 'db-lifecycle.sh'

/** Puts them into the project's `scripts/`. What is there and is another one is left as it is: CONFLICT. */
export async function installScripts({ root }: Context, dryRun: boolean): Promise<ScriptsAnswer> {
  const text = await readFile(await packaged(LIFECYCLE), 'utf8')
  const file = join(root, 'scripts', LIFECYCLE)
  const there = await readIfThere(file)
  if (there === text) return { installed: [], present: [file], dryRun }
  if (there !== undefined) throw taken(file)
  if (!dryRun) {
    await makeFolder(join(root, 'scripts'))
    if (!(await createDurably(file, text, 0o755))) throw taken(file)
    await chmod(file, 0o755) // whatever the umask
  }
  return { installed: [file], present: [], dryRun }
}

function taken(file: string): HayaiError {
  return new HayaiError('CONFLICT', `${file} is there, and is not the one of this Hayai`, { hint: 'Move it aside, and try again.' })
}

/** Where the package, or the checkout, has it: seen from the source, from the bundle, and from a piece of it. */
async function packaged(name: string): Promise<string> {
  for (const up of ['../../scripts/', '../scripts/']) {
    const file = fileURLToPath(new URL(up + name, import.meta.url))
    if (await exists(file)) return file
  }
  throw new HayaiError('ENVIRONMENT', `this installation of Hayai has no scripts/${name}`, { hint: 'Install Hayai again.' })
}
