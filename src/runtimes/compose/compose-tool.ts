// Docker Compose: the plugin of Docker (v2) where it is there, else the older program of its own (1.29).

import { homedir } from 'node:os'
import { join } from 'node:path'
import { text } from '../../base/bytes.ts'
import { HayaiError, isCode } from '../../base/errors.ts'
import { findOnPath, run } from '../../base/exec.ts'
import { ask, explained, handedOn } from './docker.ts'

export interface ComposeTool {
  readonly words: readonly string[]
  /** Whether `name:` may stand in the file; the older one refuses it. */
  readonly knowsNames: boolean
}

let found: Promise<ComposeTool> | undefined

export function composeTool(): Promise<ComposeTool> {
  found ??= look().catch((error: unknown) => {
    found = undefined
    throw error
  })
  return found
}

const PLUGIN: ComposeTool = { words: ['docker', 'compose'], knowsNames: true }

async function look(): Promise<ComposeTool> {
  if ((await findOnPath('docker')) !== undefined && (await pluginIsThere())) return PLUGIN
  try {
    await ask(['compose', 'version']) // a Docker that is told of other folders, or that is another program
    return PLUGIN
  } catch (error) {
    if (!isCode(error, 'TOOL_FAILED')) throw error
  }
  if ((await findOnPath('docker-compose')) !== undefined) return { words: ['docker-compose'], knowsNames: false }
  throw new HayaiError('ENVIRONMENT', 'Docker is here, but Docker Compose is not', {
    hint: 'Install it: sudo apt-get install docker-compose-plugin (of docker.com), docker-compose (of Debian) or docker-compose-v2 (of Ubuntu).',
  })
}

/** Where Docker looks for its plugins: to ask it takes it as long as a small container takes to start. */
async function pluginIsThere(): Promise<boolean> {
  const own = process.env['DOCKER_CONFIG'] ?? join(homedir(), '.docker')
  const folders = [own, ...['local/lib', 'local/libexec', 'lib', 'libexec'].map((each) => `/usr/${each}/docker`)]
  for (const folder of folders) if ((await findOnPath(join(folder, 'cli-plugins', 'docker-compose'))) !== undefined) return true
  return false
}

export async function compose(args: readonly string[], signal?: AbortSignal): Promise<void> {
  const { words } = await composeTool()
  const [file = '', ...first] = words
  try {
    await text(
      run({
        file,
        args: [...first, ...args],
        env: { ...handedOn(), COMPOSE_IGNORE_ORPHANS: 'true' },
        ...(signal === undefined ? {} : { signal }),
      }),
    )
  } catch (error) {
    throw explained(error, words.join(' '))
  }
}
