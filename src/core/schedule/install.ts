// schedule install, show, remove: who calls the plans of this project when no daemon runs.

import { HayaiError } from '../../base/errors.ts'
import { exists, makeFolder } from '../../base/files.ts'
import { makeOwnFolder } from '../../project/catalog.ts'
import { audit } from '../audit.ts'
import type { Context } from '../context.ts'
import type { CallerName, CallerView, InstallAnswer, InstallRequest, RemoveScheduleAnswer, ScheduleView } from '../schedule-answers.ts'
import { jobOf, siteOf, type Caller, type Job, type Site, type Told } from './callers.ts'
import { cron } from './crontab.ts'
import { historyOf, mustWatch, watchable } from './due.ts'
import { launchd } from './launchd.ts'
import { plansOf, recordOf } from './plans.ts'
import { noteRun } from './runs.ts'
import { isHeld, planViews } from './show.ts'
import { systemd } from './systemd.ts'

/** The first that can be used is used, when none is named. */
const CALLERS: readonly Caller[] = [launchd, systemd, cron]

export async function schedule(context: Context, program: readonly string[]): Promise<ScheduleView> {
  const plans = await planViews(context)
  const callers: CallerView[] = []
  const site = siteFor(context)
  for (const caller of CALLERS) {
    if ((await caller.obstacle()) !== undefined) continue
    const told = await caller.current(site)
    if (told.length === 0) continue
    const wanted = caller.wanted(site, await jobsOf(context, program))
    callers.push({ with: caller.name, plans: told.map(({ plan }) => plan), current: same(told, wanted) })
  }
  return { plans, callers, daemon: await isHeld(context.paths.daemonLock) }
}

export async function installSchedule(context: Context, request: InstallRequest): Promise<InstallAnswer> {
  const site = siteFor(context)
  const jobs = await jobsOf(context, request.program)
  if (jobs.length === 0) {
    throw new HayaiError('WRONG_STATE', 'no plan of .hayaidb runs by itself, so there is nothing to install', {
      hint: 'A plan needs a `schedule`, and must be enabled: hayai validate',
    })
  }
  const caller = await callerFor(request.with)
  const wanted = caller.wanted(site, jobs)
  const changed = !same(await caller.current(site), wanted)
  const others = await elsewhere(site, caller)
  const answer = {
    with: caller.name,
    jobs: wanted,
    changed: changed || others.length > 0,
    notes: await notesOf(context, caller, others),
    dryRun: request.dryRun === true,
  }
  if (answer.dryRun) return answer
  await makeOwnFolder(context.root)
  await makeFolder(context.paths.logs)
  if (changed) await caller.tell(site, jobs)
  for (const other of others) await other.tell(site, [])
  await watchFromNow(context)
  if (answer.changed) await audit(context, 'schedule install', '', { with: caller.name, plans: jobs.map(({ plan }) => plan) })
  return answer
}

export async function removeSchedule(context: Context, { dryRun = false }: { readonly dryRun?: boolean }): Promise<RemoveScheduleAnswer> {
  const site = siteFor(context)
  const removed: { with: CallerName; plan: string }[] = []
  for (const caller of CALLERS) {
    if ((await caller.obstacle()) !== undefined) continue
    const told = await caller.current(site)
    removed.push(...told.map(({ plan }) => ({ with: caller.name, plan })))
    if (!dryRun && told.length > 0) await caller.tell(site, [])
  }
  if (!dryRun && removed.length > 0) await audit(context, 'schedule remove', '', { plans: removed.map(({ plan }) => plan) })
  return { removed, dryRun }
}

function siteFor({ root, paths }: Context): Site {
  return siteOf(root, paths.logs)
}

async function jobsOf(context: Context, program: readonly string[]): Promise<readonly Job[]> {
  const now = new Date()
  return (await plansOf(context)).filter((plan) => watchable(plan) !== '').map((plan) => jobOf(plan, program, now))
}

async function callerFor(asked: CallerName | undefined): Promise<Caller> {
  const tried: string[] = []
  for (const caller of CALLERS.filter(({ name }) => asked === undefined || name === asked)) {
    const obstacle = await caller.obstacle()
    if (obstacle === undefined) return caller
    tried.push(`${caller.name}: ${obstacle}`)
  }
  throw new HayaiError('ENVIRONMENT', `nobody on this machine can be told to call Hayai (${tried.join('; ')})`, {
    hint: 'Run `hayai daemon` instead, by whatever starts programs here.',
  })
}

/** Another caller that was told before would only ask the same a second time. */
async function elsewhere(site: Site, chosen: Caller): Promise<readonly Caller[]> {
  const others: Caller[] = []
  for (const caller of CALLERS) {
    if (caller === chosen || (await caller.obstacle()) !== undefined) continue
    if ((await caller.current(site)).length > 0) others.push(caller)
  }
  return others
}

async function notesOf(context: Context, { name }: Caller, others: readonly Caller[]): Promise<readonly string[]> {
  const running = await Promise.all(['/run/crond.pid', '/var/run/crond.pid', '/run/cron.pid'].map(exists))
  return [
    ...(name === 'cron' && process.platform === 'linux' && !running.includes(true)
      ? ['cron does not seem to run on this machine: /run/crond.pid is not there.']
      : []),
    ...(name === 'systemd' ? ['Timers of an account run while it is logged in, and always after `loginctl enable-linger`.'] : []),
    ...others.map((other) => `What ${other.name} was told before is taken back.`),
    ...((await isHeld(context.paths.daemonLock)) ? ['The daemon of this project runs too. Each time is served once all the same.'] : []),
  ]
}

function same(current: readonly Told[], wanted: readonly Told[]): boolean {
  const sorted = (told: readonly Told[]): string =>
    told
      .map(({ plan, text }) => `${plan}\n${text}`)
      .toSorted()
      .join('\n\n')
  return sorted(current) === sorted(wanted)
}

/** From now on times count, also those that come before anybody calls. */
async function watchFromNow(context: Context): Promise<void> {
  const entries = await recordOf(context)
  const now = new Date()
  for (const plan of await plansOf(context)) {
    if (!mustWatch(plan, historyOf(plan.name, entries), now)) continue
    await noteRun(context.paths.runs, { kind: 'watched', plan: plan.name, schedule: watchable(plan), at: now.toISOString() })
  }
}
