// verify: the proof by restore. A twin is filled and counted like in a restore, in a place of its own, and thrown away.
// The live database is neither asked nor touched, and need not exist any more.

import { randomUUID } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { HayaiError, isCode, messageOf, systemCode } from '../base/errors.ts'
import { withLock } from '../base/locks.ts'
import { generatePassword } from '../base/secret.ts'
import { readCatalog } from '../project/catalog.ts'
import type { Site } from '../runtimes/runtime.ts'
import type { Check, VerifyAnswer, Watch } from './answers.ts'
import { audit } from './audit.ts'
import { runtimeFor, type Context } from './context.ts'
import { filledTwin } from './fill.ts'
import { findSource, type Source } from './library.ts'
import { digestCheck } from './restore.ts'
import { watching, type Watching } from './watching.ts'

export interface VerifyRequest {
  readonly reference: string
  readonly latest?: boolean
  readonly engine?: string
}

/** A snapshot that fails is an answer with `ok: false`, and its manifest says so from then on; what hinders the trial is thrown. */
export async function verify(context: Context, request: VerifyRequest, watch: Watch = {}): Promise<VerifyAnswer> {
  const began = performance.now()
  const view = watching(watch)
  const source = await findSource(context, request)
  await sweepTrials(context)
  const checks = await tryOut(context, source, view)
  const failed = checks.find(({ ok }) => !ok)
  const verdict = { at: new Date().toISOString(), ok: failed === undefined, detail: (failed ?? checks.at(-1))?.detail ?? '' }
  const snapshot = await source.recordVerification(verdict)
  await audit(context, 'verify', source.view.database, { snapshot: source.view.id, ok: verdict.ok })
  return { snapshot, ok: verdict.ok, checks, seconds: (performance.now() - began) / 1000 }
}

async function tryOut(context: Context, source: Source, view: Watching): Promise<readonly Check[]> {
  const checks: Check[] = []
  try {
    view.stage('checking digests')
    checks.push(await digestCheck(source, view))
    await inTrial(context, source, async (site) => {
      const { twin, facts } = await filledTwin(site, {
        engine: source.engine,
        format: source.format,
        preflight: () => Promise.resolve(),
        bytes: () => source.open((done) => view.bytes(done, source.manifest?.files[0]?.plain.bytes)),
        expected: source.manifest?.census,
        watch: view,
      })
      await twin.close()
      const tables = Object.keys(facts.census.tables).length
      const rows = Object.values(facts.census.tables).reduce((sum, count) => sum + count, 0)
      checks.push({
        what: 'restore',
        ok: true,
        detail: `${counted(tables, 'table')}, ${counted(rows, 'row')}, ${source.manifest === null ? 'with no manifest to count against' : 'as counted when the snapshot was taken'}`,
      })
    })
  } catch (error) {
    // Damaged, or the engine refuses it: that is what was asked. Anything else is in the way of the trial.
    if (!isCode(error, 'CORRUPT') && !isCode(error, 'TOOL_FAILED')) throw error
    checks.push({ what: checks.length === 0 ? 'digest' : 'restore', ok: false, detail: messageOf(error) })
  }
  return checks
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** A site of its own, for one trial, on which no other command can be at work. */
async function inTrial(context: Context, source: Source, work: (site: Site) => Promise<void>): Promise<void> {
  const id = randomUUID()
  const folder = join(trials(context), id)
  await withLock(join(trials(context), `${id}.lock`), { purpose: 'verifying' }, async () => {
    try {
      await work(await trialSite(context, source, folder, id))
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
  await rm(join(trials(context), `${id}.lock`), { force: true })
}

async function trialSite(context: Context, source: Source, folder: string, id: string): Promise<Site> {
  const { engine } = source
  const live = (await readCatalog(context.root)).databases[source.view.database]
  const { runtime } = runtimeFor(context, engine, live?.engine === engine.name ? live.runtime : undefined)
  const placement = {
    id,
    name: 'trial',
    version: live?.engine === engine.name ? (live.version ?? undefined) : undefined,
    port: 0,
    file: undefined,
    settings: engine.settings({}, generatePassword()),
    dataDir: join(folder, 'data'),
    runDir: join(folder, 'run'),
    logFile: join(folder, 'log'),
  }
  return runtime.site(placement, engine)
}

/** Stops and deletes what killed trials left: a trial whose lock can be had is nobody's. */
export async function sweepTrials(context: Context): Promise<void> {
  for (const id of await leftTrials(context)) {
    const lock = join(trials(context), `${id}.lock`)
    try {
      await withLock(lock, { purpose: 'clearing up', patience: 0 }, async () => {
        await endTrial(context, join(trials(context), id), id)
        await rm(join(trials(context), id), { recursive: true, force: true })
      })
      await rm(lock, { force: true })
    } catch (error) {
      if (!(error instanceof HayaiError) || error.code !== 'LOCKED') throw error // a live one is at work
    }
  }
}

async function endTrial(context: Context, folder: string, id: string): Promise<void> {
  const placement = {
    id,
    name: 'trial',
    version: undefined,
    port: 0,
    file: undefined,
    dataDir: join(folder, 'data'),
    runDir: join(folder, 'run'),
    logFile: join(folder, 'log'),
  }
  for (const engine of Object.values(context.parts.engines)) {
    const settings = engine.settings({}, generatePassword())
    await runtimeFor(context, engine, undefined)
      .runtime.site({ ...placement, settings }, engine)
      .recover()
  }
}

async function leftTrials(context: Context): Promise<readonly string[]> {
  try {
    return (await readdir(trials(context))).filter((name) => /^[0-9a-f-]{36}$/.test(name))
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw error
  }
}

function trials(context: Context): string {
  return join(context.paths.own, 'trials')
}
