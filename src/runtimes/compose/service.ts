// One container, as it is wanted: the same for the live database, which Compose runs, and for a twin, which is run beside it.

import { chmod, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { makeFolder, writeDurably } from '../../base/files.ts'
import { NOTHING_AROUND, type Certificates, type Surroundings } from '../../engines/engine.ts'
import { markOf } from '../volumes.ts'
import { copiesOf } from '../secured.ts'
import { hide } from './hidden.ts'
import { AUTHORITY, CERTIFICATES, type Home } from './home.ts'
import { labelsOf, type VolumePlace } from './place.ts'
import type { ComposeProject } from './project.ts'

export interface Container {
  readonly image: string
  /** In place of the image's own. */
  readonly entrypoint: readonly string[] | undefined
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** A file of this machine with variables that are secret, and that cannot be hidden from who asks Docker. */
  readonly environmentFile: string | undefined
  readonly labels: readonly string[]
  /** The volume of the data. */
  readonly volume: string
  /** Files of this machine, by their path in the container. */
  readonly secrets: Readonly<Record<string, string>>
  readonly files: Readonly<Record<string, string>>
  /** It takes encrypted connections alone. */
  readonly secured: boolean
}

export interface Wanted {
  readonly project: ComposeProject
  readonly generation: string
  readonly place: VolumePlace
  readonly image: string
  readonly purpose: 'live' | 'filling'
  /** Where the files that it sees are kept. */
  readonly folder: string
  /** Which of the recipe's `looksFor` are among the data. */
  readonly found: readonly string[]
}

/** Under which name the server's input is among the secrets. */
const INPUT = 'input'
const SECRETS = '/run/secrets/'

export async function containerOf(home: Home, wanted: Wanted): Promise<Container> {
  const { recipe, placement } = home
  const { settings } = placement
  const { container } = recipe
  const copies = wanted.purpose === 'live' ? await copiesOf(placement) : undefined
  const around = aroundOf(home, wanted, copies !== undefined)
  const { args, input } = container.serve({ settings, found: wanted.found, around }, wanted.purpose)
  const unknown = Object.fromEntries<string>(settings.unknown.map((name) => [name, placement.container.environment[name] ?? '']))
  const steps = [
    ...(copies === undefined ? [] : [certificatesFor(recipe.account)]),
    ...Object.values(around.shares).map((folder) => `chown ${recipe.account} ${folder} || :`), // where it cannot be, it need not be
    // What the server shall read as its input is open before the image has made itself another account.
    ...(input === undefined ? [] : [`exec <${SECRETS}${INPUT}`]),
  ]
  const hidden = await hide(wanted.image, prepared(args, steps), container.hidden(settings), wanted.folder)
  const secrets = { ...container.secrets(settings), ...(input === undefined ? {} : { [INPUT]: input }), ...hidden.secrets }
  return {
    image: wanted.image,
    entrypoint: hidden.entrypoint,
    args: hidden.args,
    // What Hayai does not know, the image may.
    environment: { ...unknown, ...container.environment(settings, (name) => SECRETS + name, wanted.purpose) },
    environmentFile: hidden.shown,
    labels: labelsOf(wanted.project, wanted.place.database, wanted.generation),
    volume: wanted.place.volume,
    secrets: { ...(await written(join(wanted.folder, 'secrets'), secrets, 0o600, (name) => SECRETS + name)), ...secretsOf(copies) },
    files: await written(join(wanted.folder, 'files'), { ...container.files(settings), ...textsOf(home, around) }, 0o644, (path) => path),
    secured: copies !== undefined,
  }
}

const TEXTS = '/etc/hayai/'

/** The recipe's texts, by their path in the container. */
function textsOf({ recipe, placement }: Home, { texts, certificates }: Surroundings): Readonly<Record<string, string>> {
  const contents = recipe.texts(placement.settings, certificates !== undefined)
  return Object.fromEntries(Object.entries(texts).map(([name, path]) => [path, contents[name] ?? '']))
}

function aroundOf(home: Home, wanted: Pick<Wanted, 'generation' | 'purpose'>, secured: boolean): Surroundings {
  if (wanted.purpose === 'filling') return NOTHING_AROUND
  const { recipe, placement } = home
  return {
    texts: Object.fromEntries(Object.keys(recipe.texts(placement.settings, secured)).map((name) => [name, TEXTS + name])),
    shares: Object.fromEntries(recipe.shares(placement.settings).map((folder) => [folder, folder])),
    mark: markOf(placement, wanted.generation),
    certificates: secured
      ? { authority: AUTHORITY, certificate: `${CERTIFICATES}server.crt`, key: `${CERTIFICATES}server.key` }
      : undefined,
  }
}

function secretsOf(copies: Certificates | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.values(copies ?? {}).map((file: string) => [`${SECRETS}tls-${basename(file)}`, file]))
}

/** Secrets are root's to read: the server's account gets copies. */
function certificatesFor(account: string): string {
  const copies = ['ca.crt', 'server.crt', 'server.key'].map((name) => `cp ${SECRETS}tls-${name} ${CERTIFICATES}${name}`)
  const own = `chown ${account} ${CERTIFICATES}*`
  return (
    [
      `umask 077`,
      `mkdir -p ${CERTIFICATES}`,
      ...copies,
      own,
      `chmod 755 ${CERTIFICATES}`,
      `chmod 644 ${CERTIFICATES}*.crt`,
      'umask 022',
    ].join(' && ') + ' || exit 1'
  )
}

/** What root does in the container before the image's entry point. */
function prepared(args: readonly string[], steps: readonly string[]): readonly string[] {
  return steps.length === 0 ? args : ['sh', '-c', [...steps, 'exec docker-entrypoint.sh "$@"'].join('\n'), 'sh', ...args]
}

async function written(folder: string, contents: Readonly<Record<string, string>>, mode: number, pathOf: (name: string) => string) {
  const paths: Record<string, string> = {}
  for (const [name, content] of Object.entries(contents)) {
    const file = join(folder, basename(name))
    await makeFolder(dirname(file))
    await writeDurably(file, content, mode)
    await chmod(file, mode) // whatever the person's umask
    paths[pathOf(name)] = file
  }
  return paths
}

/** What a server shall be told at its next start, which need not be Hayai's doing. */
export async function rewriteInput(home: Home, folder: string, generation: string, found: readonly string[]): Promise<void> {
  const around = aroundOf(home, { generation, purpose: 'live' }, (await copiesOf(home.placement)) !== undefined)
  const { input } = home.recipe.container.serve({ settings: home.placement.settings, found, around }, 'live')
  if (input !== undefined) await writeDurably(join(folder, 'secrets', INPUT), input, 0o600)
}

export async function forgetFiles(folder: string): Promise<void> {
  for (const name of ['secrets', 'files']) await rm(join(folder, name), { recursive: true, force: true })
}

/** For `docker create`: a container of its own, which nothing starts again, on a port that nobody knows. */
export function asArguments(home: Home, name: string, container: Container): readonly string[] {
  const { recipe } = home
  return [
    `--name=${name}`,
    '--restart=no',
    `--shm-size=${SHARED_MEMORY}`,
    ...(recipe.container.endsByItself === true ? [] : [`--stop-signal=${recipe.stopSignal}`]),
    `--publish=127.0.0.1::${recipe.port}`,
    ...container.labels.map((label) => `--label=${label}`),
    `--mount=type=volume,source=${container.volume},target=${recipe.container.dataDir}`,
    ...Object.entries({ ...container.secrets, ...container.files }).map(
      ([target, source]) => `--mount=type=bind,"source=${source.replaceAll('"', '""')}",target=${target},readonly`,
    ),
    ...Object.entries(container.environment).map(([key, value]) => `--env=${key}=${value}`),
    ...(container.environmentFile === undefined ? [] : [`--env-file=${container.environmentFile}`]),
    ...(container.entrypoint === undefined ? [] : [`--entrypoint=${container.entrypoint[0]}`]),
    container.image,
    ...(container.entrypoint?.slice(1) ?? []),
    ...container.args,
  ]
}

/** Docker's own 64 MB are too few for a PostgreSQL that builds an index with helpers. */
export const SHARED_MEMORY = '256m'
