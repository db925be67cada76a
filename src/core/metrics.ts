// metrics: what lies in the folders and what the record of runs says, as numbers for Prometheus. Nothing is asked of a server.

import { resolve } from 'node:path'
import { exposition, type Family, type Sample } from '../base/exposition.ts'
import { HayaiError, messageOf } from '../base/errors.ts'
import { writeDurably } from '../base/files.ts'
import { readCatalog } from '../project/catalog.ts'
import type { Manifest } from '../snapshots/manifest.ts'
import { backupsOf } from './backup/shelf.ts'
import { configOf, type Context } from './context.ts'
import { shelvesOf } from './library.ts'
import type { MetricsAnswer, MetricsRequest } from './overseeing.ts'
import { recordOf } from './schedule/plans.ts'
import type { Entry } from './schedule/runs.ts'
import { planViews } from './schedule/show.ts'

export async function metrics(context: Context, request: MetricsRequest = {}): Promise<MetricsAnswer> {
  const text = exposition(await familiesOf(context, new Date()))
  const file = request.output === undefined ? null : resolve(request.output)
  if (file !== null && request.dryRun !== true) await writeMetrics(file, text)
  return { text, file, dryRun: request.dryRun === true }
}

/** As a whole, for whoever reads it meanwhile, and readable for a collector that runs as another account. */
async function writeMetrics(file: string, text: string): Promise<void> {
  try {
    await writeDurably(file, text, 0o644)
  } catch (error) {
    throw new HayaiError('STORE_FAILED', `the metrics cannot be written: ${messageOf(error)}`, {
      hint: 'Name a file in a folder that is there, and that you may write to.',
      cause: error,
    })
  }
}

/** After a run: where `global.backup.metrics` wants them. */
export async function renewMetrics(context: Context): Promise<void> {
  const file = (await configOf(context))?.backup?.metrics
  if (file !== undefined) await writeMetrics(resolve(context.root, file), exposition(await familiesOf(context, new Date())))
}

type Labels = Sample['labels']
type Measure<T> = readonly [name: string, help: string, samples: (each: T) => readonly (readonly [number | null | undefined, Labels?])[]]

async function familiesOf(context: Context, now: Date): Promise<readonly Family[]> {
  const catalog = await readCatalog(context.root)
  // Two projects of one name may be written into one folder: the path tells them apart.
  const project = { project: (await configOf(context))?.project ?? context.root.split('/').at(-1) ?? '', root: context.root }
  const databases = Object.entries(catalog.databases).map(([database, { engine, runtime, version }]) => ({
    labels: { ...project, database },
    facts: { engine, runtime, version: version ?? '' },
  }))
  const copies = (await copiesOf(context))
    .filter(({ manifest }) => Object.hasOwn(catalog.databases, manifest.database))
    .map((copy) => ({ ...copy, labels: { ...project, database: copy.manifest.database, copy: copy.kind } }))
  const entries = await recordOf(context)
  const plans = (await planViews(context, now)).map((plan) => ({
    plan,
    success: lastSuccess(plan.name, entries),
    labels: { ...project, plan: plan.name },
  }))
  return [
    ...measured('hayai_database', databases, [['info', 'A database of the project.', ({ facts }) => [[1, facts]]]]),
    ...measured('hayai_copy', copies, copyMeasures(now)),
    ...measured('hayai_plan', plans, PLAN_MEASURES),
    { name: 'hayai_metrics_timestamp_seconds', help: 'When these were written.', samples: [{ labels: project, value: seconds(now) }] },
  ]
}

function measured<T extends { readonly labels: Labels }>(
  prefix: string,
  all: readonly T[],
  measures: readonly Measure<T>[],
): readonly Family[] {
  return measures.map(([name, help, samplesOf]) => ({
    name: `${prefix}_${name}`,
    help,
    samples: all.flatMap((each) =>
      samplesOf(each).flatMap(([value, more]) =>
        value === null || value === undefined ? [] : [{ labels: { ...each.labels, ...more }, value }],
      ),
    ),
  }))
}

interface Copy {
  readonly kind: 'snapshot' | 'backup'
  readonly manifest: Manifest
  readonly verification: Manifest['verification']
}

const VERDICTS = ['proven', 'refuted', 'unproven'] as const

function copyMeasures(now: Date): readonly Measure<Copy & { readonly labels: Labels }>[] {
  const sum = ({ files }: Manifest, which: 'plain' | 'stored'): number => files.reduce((bytes, file) => bytes + file[which].bytes, 0)
  return [
    ['timestamp_seconds', 'Of which moment the newest whole copy is.', ({ manifest }) => [[seconds(manifest.instant)]]],
    [
      'age_seconds',
      'How old the newest whole copy was when this was written.',
      ({ manifest }) => [[(now.getTime() - Date.parse(manifest.instant)) / 1000]],
    ],
    ['stored_bytes', 'How much the newest whole copy takes.', ({ manifest }) => [[sum(manifest, 'stored')]]],
    ['plain_bytes', 'The same before compression and encryption.', ({ manifest }) => [[sum(manifest, 'plain')]]],
    [
      'duration_seconds',
      'How long it took to make it.',
      ({ manifest }) => [[(Date.parse(manifest.finished) - Date.parse(manifest.started)) / 1000]],
    ],
    [
      'verdict',
      '1 for what is known of it: proven by a restore, refuted, or unproven.',
      ({ verification }) => {
        const verdict = verification === null ? 'unproven' : verification.ok ? 'proven' : 'refuted'
        return VERDICTS.map((each) => [each === verdict ? 1 : 0, { verdict: each }] as const)
      },
    ],
  ]
}

interface Planned {
  readonly plan: Awaited<ReturnType<typeof planViews>>[number]
  readonly success: string | undefined
  readonly labels: Labels
}

const PLAN_MEASURES: readonly Measure<Planned>[] = [
  ['enabled', '1 for a plan that runs by itself.', ({ plan }) => [[plan.enabled && plan.schedule !== null ? 1 : 0]]],
  ['running', '1 while a run is at work.', ({ plan }) => [[plan.running === null ? 0 : 1]]],
  [
    'last_run_success',
    '1 when the last run did all that it should, else 0.',
    ({ plan }) => [[plan.last === null ? null : plan.last.outcome === 'done' ? 1 : 0]],
  ],
  ['last_run_timestamp_seconds', 'When the last run had ended.', ({ plan }) => [[plan.last === null ? null : seconds(plan.last.ended)]]],
  [
    'last_run_duration_seconds',
    'How long the last run took.',
    ({ plan }) => [[plan.last === null ? null : (Date.parse(plan.last.ended) - Date.parse(plan.last.began)) / 1000]],
  ],
  ['last_run_stored_bytes', 'How much the last run took down.', ({ plan }) => [[plan.last?.bytes]]],
  [
    'last_success_timestamp_seconds',
    'When the last run that succeeded had ended.',
    ({ success }) => [[success === undefined ? null : seconds(success)]],
  ],
  ['next_run_timestamp_seconds', 'When its schedule comes next.', ({ plan }) => [[plan.next === null ? null : seconds(plan.next)]]],
]

function lastSuccess(plan: string, entries: readonly Entry[]): string | undefined {
  return entries.flatMap((entry) => (entry.kind === 'ended' && entry.plan === plan && entry.outcome === 'done' ? [entry.ended] : [])).at(-1)
}

/** The newest whole one of each database, by itself and in a backup. */
async function copiesOf(context: Context): Promise<readonly Copy[]> {
  const newest = new Map<string, Copy>()
  const offer = (copy: Copy): void => {
    const key = `${copy.kind} ${copy.manifest.database}`
    const before = newest.get(key)
    if (before === undefined || before.manifest.instant < copy.manifest.instant) newest.set(key, copy)
  }
  for (const { repository } of await shelvesOf(context)) {
    for (const listed of await repository.list()) {
      if (listed.kind !== 'snapshot' || listed.flaw !== undefined) continue
      offer({ kind: 'snapshot', manifest: listed.manifest, verification: listed.manifest.verification })
    }
  }
  for (const { manifest, view } of await backupsOf(context)) {
    if (manifest === undefined || !view.whole) continue
    for (const snapshot of manifest.snapshots) offer({ kind: 'backup', manifest: snapshot, verification: manifest.verification })
  }
  return [...newest.values()].toSorted((a, b) => a.manifest.database.localeCompare(b.manifest.database))
}

function seconds(time: Date | string): number {
  return (typeof time === 'string' ? Date.parse(time) : time.getTime()) / 1000
}
