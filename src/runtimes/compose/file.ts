// docker-compose.yml: written from what each database of the project keeps of itself, for people to read and for Compose to use.
// A file of that name that people wrote themselves is never touched: then ours has another name.

import { readdir, rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { HayaiError } from '../../base/errors.ts'
import { createDurably, exists, makeFolder, readIfThere, sweepPartials, writeDurably } from '../../base/files.ts'
import { withLock } from '../../base/locks.ts'
import { composeTool } from './compose-tool.ts'
import type { Home } from './home.ts'
import type { ComposeProject } from './project.ts'
import { SHARED_MEMORY, type Container } from './service.ts'
import { mountsOf } from './wishes.ts'

/** A database's part of the file: plain JSON, which is YAML too. */
interface Part {
  readonly service: Readonly<Record<string, unknown>>
  readonly secrets: Readonly<Record<string, { readonly file: string }>>
  readonly volumes: Readonly<Record<string, { readonly name: string; readonly external: true }>>
}

/** Says in docker-compose.yml how the live generation is run. */
export async function writeService(home: Home, project: ComposeProject, container: Container): Promise<void> {
  await change(home, project, async (file) => {
    await writeDurably(file, `${JSON.stringify(partOf(home, project, container), null, 2)}\n`)
  })
}

export async function removeService(home: Home, project: ComposeProject): Promise<void> {
  await change(home, project, (file) => rm(file, { force: true }))
}

/** The file that is ours; absolute. */
export async function composeFile(root: string): Promise<string> {
  const usual = join(root, 'docker-compose.yml')
  const content = await readIfThere(usual)
  if (content?.startsWith(MARK) === true) return usual
  const others = await Promise.all(['compose.yaml', 'compose.yml', 'docker-compose.yaml'].map((name) => exists(join(root, name))))
  if (content === undefined && !others.includes(true)) return usual
  const other = join(root, 'docker-compose.hayai.yml')
  if ((await readIfThere(other))?.startsWith(MARK) !== false) return other
  throw new HayaiError('CONFLICT', `${other} is not by Hayai, and would be overwritten`, { hint: 'Give that file another name.' })
}

const MARK = '# Written by Hayai'

async function change(home: Home, project: ComposeProject, edit: (file: string) => Promise<void>): Promise<void> {
  const { folder, root } = home.placement.project
  const services = join(folder, 'services')
  await makeFolder(services)
  await withLock(join(folder, 'lock'), { purpose: 'writing docker-compose.yml' }, async () => {
    await sweepPartials(services)
    const file = await composeFile(root)
    await edit(join(services, `${home.placement.name}.json`))
    const parts = await partsIn(services)
    if (Object.keys(parts).length === 0) await rm(file, { force: true })
    else await place(file, await text(project, parts, relative(root, file)))
  })
}

async function place(file: string, content: string): Promise<void> {
  if (!(await exists(file)) && (await createDurably(file, content, 0o644))) return
  await writeDurably(file, content, 0o644)
}

async function partsIn(services: string): Promise<Readonly<Record<string, Part>>> {
  const parts: Record<string, Part> = {}
  for (const name of (await readdir(services)).toSorted()) {
    if (!/^[a-z0-9].*\.json$/.test(name)) continue
    const content = await readIfThere(join(services, name))
    if (content !== undefined) parts[name.slice(0, -'.json'.length)] = JSON.parse(content) as Part // written by partOf() alone
  }
  return parts
}

async function text(project: ComposeProject, parts: Readonly<Record<string, Part>>, file: string): Promise<string> {
  const { stringify } = await import('yaml')
  const all = Object.entries(parts)
  const { words, knowsNames } = await composeTool()
  const how = [
    words.join(' '),
    ...(knowsNames ? [] : ['-p', project.name]),
    ...(file === 'docker-compose.yml' ? [] : ['-f', file]),
    'up -d',
  ]
  const secrets = Object.assign({}, ...all.map(([, { secrets }]) => secrets)) as Part['secrets']
  const volumes = Object.assign({}, ...all.map(([, { volumes }]) => volumes)) as Part['volumes']
  const content = {
    ...(knowsNames ? { name: project.name } : {}),
    services: Object.fromEntries(all.map(([name, { service }]) => [name, service])),
    ...(Object.keys(secrets).length === 0 ? {} : { secrets }),
    volumes,
  }
  const heading = [
    `${MARK}, anew with each change: edit .hayaidb, not this file.`,
    `# It can be used without Hayai, too: ${how.join(' ')}`,
    '# The volumes are external, so that `down --volumes` does not delete the data. After a restore a service has another one.',
  ]
  return `${heading.join('\n')}\n\n${stringify(escaped(content), { version: '1.1', defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN', lineWidth: 0 })}`
}

/** Compose replaces variables in every text. */
function escaped(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('$', '$$$$')
  if (Array.isArray(value)) return value.map(escaped)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, escaped(each)]))
}

function partOf(home: Home, project: ComposeProject, container: Container): Part {
  const { recipe, placement, patience } = home
  const { name, port, project: own } = placement
  const { memory, restart, healthcheck } = placement.container
  const shown = (path: string): string => `./${relative(own.root, path)}`
  const mounts = mountsOf(home)
  const secretNames = Object.entries(container.secrets).map(([target, file]) => ({
    name: `${name}-${lastOf(target)}`,
    target: lastOf(target),
    file,
  }))
  const test = recipe.container.healthcheck(placement.settings, container.secured, recipe.port)
  const grace = recipe.forcible ? patience.stop : patience.write
  return {
    service: {
      image: container.image,
      container_name: `${project.name}-${name}-1`,
      ...(container.entrypoint === undefined ? {} : { entrypoint: container.entrypoint }),
      ...(container.args.length === 0 ? {} : { command: container.args }),
      ...(Object.keys(container.environment).length === 0 ? {} : { environment: container.environment }),
      ...(container.environmentFile === undefined ? {} : { env_file: [shown(container.environmentFile)] }),
      ports: [`127.0.0.1:${port}:${recipe.port}`],
      volumes: [
        // One letter before a colon is a drive to Compose.
        name.length > 1 ? `${name}:${recipe.container.dataDir}` : { type: 'volume', source: name, target: recipe.container.dataDir },
        ...mounts.map(({ shown: source, target, mode }) => [source, target, ...(mode === undefined ? [] : [mode])].join(':')),
        ...Object.entries(container.files).map(([target, file]) => `${shown(file)}:${target}:ro`),
      ],
      ...(secretNames.length === 0 ? {} : { secrets: secretNames.map(({ name: source, target }) => ({ source, target })) }),
      labels: Object.fromEntries(container.labels.map((label) => label.split('=', 2))),
      shm_size: SHARED_MEMORY,
      ...(memory === undefined ? {} : { mem_limit: memory }),
      restart: restart ?? 'no',
      ...(recipe.container.endsByItself === true ? {} : { stop_signal: recipe.stopSignal }),
      stop_grace_period: `${Math.round(grace / 1000)}s`,
      healthcheck:
        healthcheck ??
        (test.length === 0
          ? { disable: true }
          : {
              test: ['CMD', ...test],
              interval: '5s',
              timeout: '5s',
              retries: 5,
              start_period: `${Math.round(patience.start / 1000)}s`,
            }),
    },
    secrets: Object.fromEntries(secretNames.map(({ name: source, file }) => [source, { file: shown(file) }])),
    volumes: {
      [name]: { name: container.volume, external: true },
      ...Object.fromEntries(
        mounts.filter(({ named }) => named).map(({ source }) => [source, { name: `${project.name}_${source}`, external: true as const }]),
      ),
    },
  }
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
