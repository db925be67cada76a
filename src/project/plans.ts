// The plans that `.hayaidb` declares: what is to be taken by itself, when, and how long it is kept.

import type { RawBackup } from './backup-schema.ts'

/** What `global.backup` itself declares, as the specification writes it, is a plan of this name. */
export const DEFAULT_PLAN = 'default'

/** Each how many, or for how long; `minimum` whatever else is said. */
export interface DeclaredRetention {
  readonly last?: number
  readonly hourly?: number
  readonly daily?: number
  readonly weekly?: number
  readonly monthly?: number
  readonly yearly?: number
  readonly within?: string
  readonly minimum?: number
}

/** How what was taken is checked. A restore is tried at the first run of each day, week or month; at the others, the digest. */
export type Verifying = 'never' | 'digest' | { readonly restore: 'always' | 'daily' | 'weekly' | 'monthly' }

export interface Hooks {
  readonly before: readonly string[]
  readonly after: readonly string[]
  readonly onFailure: readonly string[]
  /** Milliseconds that each command may take. */
  readonly timeout: number
}

export interface Plan {
  readonly name: string
  readonly enabled: boolean
  /** All of the project when it is empty. */
  readonly databases: readonly string[]
  readonly take: 'backup' | 'snapshot'
  /** A cron line that was checked. */
  readonly schedule: string
  /** undefined: that of the machine. */
  readonly timezone: string | undefined
  /** undefined: everything is kept. */
  readonly retention: DeclaredRetention | undefined
  readonly compression: string | undefined
  readonly encryption: boolean
  /** As written; relative ones are below the folder of `.hayaidb`. */
  readonly destinations: readonly string[]
  readonly verify: Verifying
  readonly hooks: Hooks
  /** Names of notifications; undefined: all of them. */
  readonly notify: readonly string[] | undefined
}

/** `default` first, then those that have names, in their order. What a plan does not say, `global.backup` says for all. */
export function plansOf(backup: RawBackup | undefined): readonly Plan[] {
  if (backup === undefined) return []
  const { plans, recipients: _, metrics: _metrics, notifications: _notifications, schedule, ...common } = backup
  const { databases: __, take: ___, retention: ____, enabled, ...inherited } = common
  const named = Object.entries(plans ?? {}).map(([name, plan]) =>
    planOf(name, { ...inherited, ...plan, enabled: enabled !== false && plan.enabled !== false }),
  )
  return schedule === undefined ? named : [planOf(DEFAULT_PLAN, { ...common, schedule }), ...named]
}

type RawPlan = Omit<RawBackup, 'plans' | 'recipients' | 'metrics' | 'notifications'>

function planOf(name: string, raw: RawPlan): Plan {
  const { retention, hooks, notify } = raw
  return {
    name,
    enabled: raw.enabled !== false,
    databases: [...new Set(raw.databases)],
    take: raw.take ?? 'backup',
    schedule: raw.schedule ?? '',
    timezone: raw.timezone,
    retention: typeof retention === 'string' ? { within: retention } : retention,
    compression: raw.compression,
    encryption: raw.encryption === true,
    destinations: [...new Set(raw.destinations)],
    verify: raw.verify ?? 'digest',
    hooks: {
      before: listOf(hooks?.before),
      after: listOf(hooks?.after),
      onFailure: listOf(hooks?.on_failure),
      timeout: limitOf(hooks?.timeout ?? '10m'),
    },
    notify: notify === undefined ? undefined : listOf(notify),
  }
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 }

/** Minutes here are minutes: nobody waits months for a command. */
function limitOf(text: string): number {
  return Number.parseInt(text, 10) * (SECONDS[text.slice(-1)] ?? 1) * 1000
}

function listOf(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === 'string' ? [value] : value
}
