// A container that others made: what is in it, where it answers, and the login that its environment tells.

import { HayaiError, isCode } from '../../base/errors.ts'
import type { Engine } from '../../engines/engine.ts'
import type { Examined } from '../runtime.ts'
import { ask, askIfThere } from './docker.ts'
import { see } from './inspect.ts'

export async function examine({ recipe, title }: Engine, container: string): Promise<Examined> {
  if (recipe.shape !== 'server') throw new HayaiError('USAGE', `${title} is a file, and lives in no container`)
  const seen = await see(container)
  if (seen === undefined) {
    throw new HayaiError('NOT_FOUND', `Docker has no container called ${JSON.stringify(container)}`, {
      hint: 'Run `docker ps --all` to see them.',
    })
  }
  if (!seen.running)
    throw new HayaiError('WRONG_STATE', `the container ${container} must be running`, { hint: `docker start ${container}` })
  const port = seen.ports[recipe.port]
  if (port === undefined) {
    throw new HayaiError('CONFLICT', `the container ${container} publishes no port for ${recipe.port}, where ${title} answers`, {
      hint: `Publish it on loopback: "127.0.0.1:${recipe.port}:${recipe.port}".`,
    })
  }
  const environment = await environmentIn(container, seen.variables)
  return {
    version: await versionIn(recipe, title, container),
    image: seen.image,
    port,
    environment: recipe.container.declared(environment, seen.args),
  }
}

/** Its variables, those that name a file with the file's content. */
async function environmentIn(container: string, variables: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const environment: Record<string, string> = {}
  for (const line of variables) {
    const [, key = '', value = ''] = /^([^=]+)=(.*)$/s.exec(line) ?? []
    if (!key.endsWith('_FILE')) environment[key] = value
    else {
      const content = await askIfThere(['exec', container, 'cat', value])
      if (content !== undefined) environment[key.slice(0, -'_FILE'.length)] = content
    }
  }
  return environment
}

async function versionIn(
  recipe: { readonly server: string; readonly versionOf: (printed: string) => string },
  title: string,
  container: string,
): Promise<string> {
  try {
    const version = recipe.versionOf(await ask(['exec', container, recipe.server, '--version']))
    if (version !== '') return version
  } catch (error) {
    if (!isCode(error, 'TOOL_FAILED')) throw error
  }
  throw new HayaiError('CONFLICT', `there is no ${title} in the container ${container}`, { hint: 'Name the engine that is in it with -e.' })
}
