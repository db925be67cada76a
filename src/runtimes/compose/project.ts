// The name that a project has in Docker, which all projects of a machine share. Two that are called alike must not meet: the first
// one to come gets the name, by a volume that only one can make, and the next one gets a name with a piece of its own mark.

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { HayaiError } from '../../base/errors.ts'
import { makeFolder, readIfThere, writeDurably } from '../../base/files.ts'
import { withLock } from '../../base/locks.ts'
import { ask } from './docker.ts'
import { LABEL, type Home } from './home.ts'
import { volumeLabels } from './inspect.ts'

export interface ComposeProject {
  readonly name: string
  /** What is on everything of this project in Docker. */
  readonly mark: string
}

export async function projectIfAny({ placement }: Home): Promise<ComposeProject | undefined> {
  const file = fileOf(placement.project.folder)
  const content = await readIfThere(file)
  if (content === undefined) return undefined
  const [, name, mark] = /^\{"name":"([a-z0-9][a-z0-9_-]*)","mark":"([0-9a-f]{32})"\}\n$/.exec(content) ?? []
  if (name !== undefined && mark !== undefined) return { name, mark }
  throw new HayaiError('CORRUPT', `${file} is damaged`, {
    hint: `Put back {"name":"...","mark":"..."}: both are on every container, as labels.`,
  })
}

export async function projectOf(home: Home): Promise<ComposeProject> {
  const { folder, name: declared = 'hayai' } = home.placement.project
  const found = await projectIfAny(home)
  if (found !== undefined) return found
  await makeFolder(folder)
  return withLock(join(folder, 'lock'), { purpose: 'choosing a name for Docker' }, async () => {
    const chosen = await projectIfAny(home)
    if (chosen !== undefined) return chosen
    const mark = randomBytes(16).toString('hex')
    for (const name of [declared, `${declared}-${mark.slice(0, 6)}`]) {
      if (!(await claims(name, mark))) continue
      await writeDurably(fileOf(folder), `${JSON.stringify({ name, mark })}\n`)
      return { name, mark }
    }
    throw new HayaiError('CONFLICT', `Docker has another project called "${declared}"`, { hint: 'Change `project:` in .hayaidb.' })
  })
}

/** The name of the volume that says whose a name is. */
export function claimOf(name: string): string {
  return `${name}_hayai`
}

async function claims(name: string, mark: string): Promise<boolean> {
  const others = await ask(['ps', '--all', '--quiet', '--filter', `label=com.docker.compose.project=${name}`])
  if (others !== '') return false // somebody's own Compose project
  await ask(['volume', 'create', '--label', `${LABEL.project}=${mark}`, claimOf(name)])
  return (await volumeLabels(claimOf(name)))?.[LABEL.project] === mark
}

function fileOf(folder: string): string {
  return join(folder, 'project.json')
}
