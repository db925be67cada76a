// What the trials of the compose runtime stand on: PostgreSQL with as few facts as will do, in a project of its own.

import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { freePort } from '../../../src/base/ports.ts'
import type { Engine } from '../../../src/engines/engine.ts'
import { compose, composeRuntime, type ComposeOptions } from '../../../src/runtimes/compose.ts'
import type { Placement, Site, Twin } from '../../../src/runtimes/runtime.ts'
import { ask, endpointOf, never, placeIn, tiny } from '../native/tiny.ts'
import { clearProject, docker, image } from './docker.ts'

export interface Made {
  readonly root: string
  readonly placement: Placement
  readonly site: Site
}

export interface Wanting {
  readonly engine?: Engine
  readonly options?: ComposeOptions
  readonly container?: Partial<Placement['container']>
  readonly changes?: Partial<Placement>
  /** As in `.hayaidb`. */
  readonly project?: string
}

export async function nothing(wanting: Wanting = {}): Promise<Made> {
  const root = await mkdtemp(join(tmpdir(), 'hayai-compose-'))
  onTestFinished(async () => {
    clearAll(root)
    await rm(root, { recursive: true, force: true })
  })
  return madeIn(root, await freePort(), wanting)
}

export function madeIn(root: string, port: number, { engine = tiny, options, container = {}, changes = {}, project }: Wanting = {}): Made {
  const plain = placeIn(root, port, changes)
  const placement = {
    ...plain,
    project: { ...plain.project, name: project },
    container: { ...plain.container, image: image('postgres'), ...container },
  }
  return { root, placement, site: (options === undefined ? compose : composeRuntime(options)).site(placement, engine) }
}

export async function made(wanting: Wanting = {}): Promise<Made> {
  const result = await nothing(wanting)
  await result.site.create()
  return result
}

export async function started(wanting: Wanting = {}): Promise<Made> {
  const result = await made(wanting)
  await result.site.start(never)
  return result
}

export function identityOf(root: string): { readonly name: string; readonly mark: string } {
  return JSON.parse(readFileSync(join(root, '.hayai/compose/project.json'), 'utf8')) as { name: string; mark: string }
}

export function containerIn(root: string): string {
  return `${identityOf(root).name}-mydb-1`
}

export function composeText(root: string, file = 'docker-compose.yml'): string {
  return readFileSync(join(root, file), 'utf8')
}

export function clearAll(root: string): void {
  if (existsSync(join(root, '.hayai/compose/project.json'))) clearProject(identityOf(root).mark)
  const network = `${existsSync(join(root, '.hayai/compose/project.json')) ? identityOf(root).name : ''}_default`
  if (docker('network', 'ls', '--format', '{{.Name}}').split('\n').includes(network)) docker('network', 'rm', network)
}

export function rows({ placement }: Made): Promise<readonly unknown[]> {
  return ask(endpointOf(placement), 'select v from t')
}

export async function fill({ placement }: Made, row: string): Promise<void> {
  await ask(endpointOf(placement), `create table t as select '${row}' as v`)
}

/** A twin that holds one table with one row. */
export async function filled(site: Site, row: string): Promise<Twin> {
  const twin = await site.twin()
  await twin.wake(never)
  const target = await twin.target()
  if (target.endpoint === undefined) throw new Error('awake, and without an endpoint')
  await ask(target.endpoint, `create table t as select '${row}' as v`)
  await target.close()
  return twin
}
