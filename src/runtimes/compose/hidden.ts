// Variables that are secret, of an image that knows no other way to be told them. What a container is made with everybody sees who may
// ask Docker. So a shell reads them from a file that is mounted, and then becomes what the image runs.

import { dirname, join } from 'node:path'
import { HayaiError } from '../../base/errors.ts'
import { makeFolder, writeDurably } from '../../base/files.ts'
import { beginningOf } from './image.ts'

export interface Hidden {
  /** In place of the image's own. */
  readonly entrypoint: readonly string[] | undefined
  readonly args: readonly string[]
  /** Contents of files that root in the container reads, by name. */
  readonly secrets: Readonly<Record<string, string>>
  /** A file of this machine that is named to Docker instead, which shows what is in it. */
  readonly shown: string | undefined
}

const NAME = 'variables'

// Without them nothing is started: it might let everybody in.
const READ = `set -e; while IFS= read -r said; do export "$(printf %b "$said")"; done </run/secrets/${NAME}; exec "$@"`

/** How the image is started with these arguments, or its own where there are none. */
export async function hide(
  image: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>>,
  folder: string,
): Promise<Hidden> {
  const all = Object.entries(variables)
  if (all.length === 0) return { entrypoint: undefined, args, secrets: {}, shown: undefined }
  const own = await beginningOf(image)
  if (!own.shell) return { entrypoint: undefined, args, secrets: {}, shown: await environmentFile(image, all, folder) }
  const lines = all.map(([name, value]) => `${name}=${value}`.replaceAll('\\', String.raw`\\`).replaceAll('\n', String.raw`\n`))
  return {
    entrypoint: ['sh', '-c', READ, 'sh', ...own.entrypoint],
    args: args.length === 0 ? own.args : args,
    secrets: { [NAME]: `${lines.join('\n')}\n` },
    shown: undefined,
  }
}

type Variables = readonly (readonly [name: string, value: string])[]

/** A line for each. Docker takes it as it is; each Compose has its own opinion of quotes, `$` and `#`. */
async function environmentFile(image: string, variables: Variables, folder: string): Promise<string> {
  for (const [name, value] of variables) {
    if (/^[\w@%+=:,./-]*$/.test(value)) continue
    throw new HayaiError('CONFIG_INVALID', `the image ${image} cannot be told this ${name}: it has no shell that root is given`, {
      hint: 'Use letters, digits and @%+=:,./-_ alone in it.',
    })
  }
  const file = join(folder, 'secrets', 'environment')
  await makeFolder(dirname(file))
  await writeDurably(file, variables.map(([name, value]) => `${name}=${value}\n`).join(''), 0o600)
  return file
}
