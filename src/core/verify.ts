// verify: the proof by restore. A twin is filled and counted like in a restore, in a place of its own, and thrown away.
// The live database is neither asked nor touched, and need not exist any more.

import { dirname } from 'node:path'
import { isCode, messageOf } from '../base/errors.ts'
import { freeBytes } from '../base/files.ts'
import { agreement } from '../snapshots/compare.ts'
import type { Check, VerifyAnswer, Watch } from './answers.ts'
import { audit } from './audit.ts'
import type { Context } from './context.ts'
import { filledTwin } from './fill.ts'
import { renewLatest } from './latest.ts'
import { findSource, whileRead, type Source } from './library.ts'
import { digestCheck } from './restore.ts'
import { inTrial, sweepTrials } from './trial.ts'
import { majorFor } from './versions.ts'
import { watching, type Watching } from './watching.ts'

export interface VerifyRequest {
  readonly reference: string
  readonly latest?: boolean
  readonly engine?: string
}

/** A snapshot that fails is an answer with `ok: false`, and its manifest says so from then on; what hinders the trial is thrown. */
export async function verify(context: Context, request: VerifyRequest, watch: Watch = {}): Promise<VerifyAnswer> {
  const source = await findSource(context, request)
  return whileRead(context, source, `verifying ${source.view.path}`, () => proof(context, source, watch))
}

async function proof(context: Context, source: Source, watch: Watch): Promise<VerifyAnswer> {
  const began = performance.now()
  const view = watching(watch)
  await sweepTrials(context)
  const checks = await tryOut(context, source, view)
  const failed = checks.find(({ ok }) => !ok)
  const verdict = { at: new Date().toISOString(), ok: failed === undefined, detail: (failed ?? checks.at(-1))?.detail ?? '' }
  const snapshot = await source.recordVerification(verdict)
  if (source.manifest !== null) await renewLatest(context, dirname(snapshot.path), source.manifest.database)
  await audit(context, 'verify', source.view.database, { snapshot: source.view.id, ok: verdict.ok })
  return { snapshot, ok: verdict.ok, checks, seconds: (performance.now() - began) / 1000 }
}

// With less than this the disk, and not the snapshot, is what a failed tool complains of.
const ROOM = 32 * 1024 * 1024

async function tryOut(context: Context, source: Source, view: Watching): Promise<readonly Check[]> {
  const checks: Check[] = []
  let reading = true // the digest is looked at first
  try {
    view.stage('checking digests')
    checks.push(await digestCheck(source, view))
    reading = false
    await inTrial(
      context,
      { engine: source.engine, like: source.view.database, version: majorFor(source), image: source.manifest?.image },
      async (site) => {
        const { twin, facts } = await filledTwin(site, {
          engine: source.engine,
          format: source.format,
          bytes: () => {
            reading = true
            return source.open((done) => view.bytes(done, source.manifest?.files[0]?.plain.bytes))
          },
          expected: source.manifest?.census,
          watch: view,
        })
        await twin.close()
        const { census } = source.manifest?.census.resting === true ? source.manifest : facts
        const tables = Object.keys(census.tables).length
        const rows = Object.values(census.tables).reduce((sum, count) => sum + count, 0)
        checks.push({
          what: 'restore',
          ok: true,
          detail: `${counted(tables, source.engine.counts.of)}, ${counted(rows, source.engine.counts.what)}, ${source.manifest === null ? 'with no manifest to count against' : agreement(source.manifest.census)}`,
        })
      },
    )
  } catch (error) {
    // Damaged, or refused by the engine that read it: that is what was asked. Anything else is in the way of the trial.
    const refused = isCode(error, 'CORRUPT') || (isCode(error, 'TOOL_FAILED') && (await freeBytes(context.paths.own)) > ROOM)
    if (!refused || !reading) throw error
    checks.push({ what: checks.length === 0 ? 'digest' : 'restore', ok: false, detail: messageOf(error) })
  }
  return checks
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
