// Who calls `hayai schedule run` when no daemon runs: systemd, cron or launchd. All are told the same thing: to ask, in the minutes in
// which a plan can be due, whether it is. What is due, Hayai decides, by the clock of the plan's own time zone, and also what was
// missed: so a machine that slept makes up for it within the hour, a clock that is moved harms nothing, and the time zone of whoever
// calls does not matter.

import { createHash } from 'node:crypto'
import { basename, delimiter, isAbsolute } from 'node:path'
import { parseCron } from '../../base/cron.ts'
import { offsetOf, ownZone } from '../../base/zones.ts'
import type { Plan } from '../../project/plans.ts'
import { zoneOf } from './due.ts'

export interface Site {
  /** The project's folder. */
  readonly root: string
  /** Eight digits that tell its units from those of other projects. */
  readonly key: string
  readonly name: string
  /** Where what they print goes. */
  readonly log: string
}

export interface Job {
  readonly plan: string
  /** For people: the schedule and its time zone. */
  readonly schedule: string
  /** Of each hour; all 60 where it is every minute. */
  readonly minutes: readonly number[]
  readonly command: readonly string[]
  /** Where the programs of the databases are found: callers have hardly any PATH. */
  readonly path: string
}

/** A caller that this machine may have. What it is told about a project it is told as a whole. */
export interface Caller {
  readonly name: 'systemd' | 'cron' | 'launchd'
  /** Why it cannot be used here; undefined when it can. */
  obstacle(): Promise<string | undefined>
  /** What it is told of this project now, as it would be written: equal texts mean that nothing is to be done. */
  current(site: Site): Promise<readonly Told[]>
  /** The same for what it should be told. */
  wanted(site: Site, jobs: readonly Job[]): readonly Told[]
  /** With no jobs: takes everything of this project away. Nothing else is touched. */
  tell(site: Site, jobs: readonly Job[]): Promise<void>
}

export interface Told {
  readonly plan: string
  readonly text: string
}

export function siteOf(root: string, logs: string): Site {
  const key = createHash('sha256').update(root).digest('hex').slice(0, 8)
  return {
    root,
    key,
    name:
      basename(root)
        .toLowerCase()
        .replaceAll(/[^a-z0-9-]+/g, '-') || 'project',
    log: `${logs}/schedule.log`,
  }
}

export function jobOf(plan: Plan, program: readonly string[], now: Date): Job {
  return {
    plan: plan.name,
    schedule: `${plan.schedule} (${zoneOf(plan)})`,
    minutes: minutesOf(plan, now),
    command: [...program, 'schedule', 'run', plan.name, '--due'],
    path: pathFor(process.env['PATH'] ?? ''),
  }
}

const WEEK = 7 * 24 * 3600 * 1000

/** In which minutes of this machine's hours the plan can be due: others, where its zone is half an hour away at some time of the year. */
export function minutesOf(plan: Pick<Plan, 'schedule' | 'timezone'>, now: Date, own = ownZone()): readonly number[] {
  const zone = zoneOf(plan)
  const apart = new Set<number>()
  for (let week = 0; week < 56; week++) {
    const time = new Date(now.getTime() + week * WEEK)
    apart.add(offsetOf(time, own) - offsetOf(time, zone))
  }
  const minutes = parseCron(plan.schedule).minutes.flatMap((minute) => [...apart].map((more) => (((minute + more) % 60) + 60) % 60))
  return [...new Set(minutes)].toSorted((a, b) => a - b)
}

/** A line of a crontab may have less than 1000 signs. */
const LONGEST = 400

/** Without folders that are there only while npm runs something. */
function pathFor(path: string): string {
  const folders = path.split(delimiter).filter((folder) => isAbsolute(folder) && !folder.includes('node_modules') && !/[\n:]/.test(folder))
  const all = [...new Set([...folders, '/usr/local/bin', '/usr/bin', '/bin'])]
  const usual = all.filter((folder) => /^\/(usr\/)?(local\/)?s?bin$/.test(folder))
  return (all.join(delimiter).length <= LONGEST ? all : usual).join(delimiter)
}
