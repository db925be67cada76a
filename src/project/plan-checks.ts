// What no schema can say of plans: names that must fit each other, and what is allowed and yet hardly meant.

import { nearest } from '../base/nearest.ts'
import { NAME_PATTERN } from '../base/names.ts'
import { PLAN_NAME_RULE } from './backup-schema.ts'
import type { Path } from './document.ts'
import { DEFAULT_PLAN } from './plans.ts'
import type { RawConfig } from './schema.ts'

interface Remark {
  readonly path: Path
  readonly what: 'key' | 'value'
  readonly message: string
  readonly suggestion?: string | undefined
}

type At = (path: Path) => unknown

const BACKUP = ['global', 'backup'] as const

/** Of a file that may be wrong in any way. `keys`: the keys of the mapping at a path; none when it is not one. */
export function checkPlans(at: At, keys: (path: Path) => readonly string[]): readonly Remark[] {
  const names = keys([...BACKUP, 'plans'])
  const misnamed = names
    .filter((name) => !NAME_PATTERN.test(name) || name === DEFAULT_PLAN)
    .map((name) => ({
      path: [...BACKUP, 'plans', name],
      what: 'key' as const,
      message: `${JSON.stringify(name)} cannot be the name of a plan here: it must be ${PLAN_NAME_RULE}`,
    }))
  const known = keys(['databases'])
  const notifications = keys([...BACKUP, 'notifications'])
  const places: readonly Path[] = [BACKUP, ...names.map((name) => [...BACKUP, 'plans', name])]
  return [
    ...misnamed,
    ...misnamedNotifications(notifications),
    ...places.flatMap((place) => unknownDatabases(at([...place, 'databases']), [...place, 'databases'], known)),
    ...places.flatMap((place) => unknownNotifications(at([...place, 'notify']), [...place, 'notify'], notifications)),
  ]
}

function misnamedNotifications(names: readonly string[]): readonly Remark[] {
  return names
    .filter((name) => !NAME_PATTERN.test(name))
    .map((name) => ({
      path: [...BACKUP, 'notifications', name],
      what: 'key' as const,
      message: `${JSON.stringify(name)} cannot be the name of a notification here: it must be 1 to 63 small letters, digits, "-" and "_"`,
    }))
}

function unknownNotifications(value: unknown, path: Path, known: readonly string[]): readonly Remark[] {
  const names: readonly (readonly [unknown, Path])[] = Array.isArray(value)
    ? value.map((name: unknown, index) => [name, [...path, index]] as const)
    : [[value, path]]
  return names.flatMap(([name, place]) => {
    if (typeof name !== 'string' || name === '' || known.includes(name)) return []
    const suggestion = nearest(name, known)
    const near = suggestion === undefined ? '' : `: did you mean ${JSON.stringify(suggestion)}?`
    const message = `no notification called ${JSON.stringify(name)} is declared under global.backup.notifications${near}`
    return [{ path: place, what: 'value' as const, message, suggestion }]
  })
}

function unknownDatabases(value: unknown, path: Path, known: readonly string[]): readonly Remark[] {
  if (!Array.isArray(value)) return []
  return value.flatMap((name: unknown, index) => {
    if (typeof name !== 'string' || !NAME_PATTERN.test(name) || known.includes(name)) return []
    const suggestion = nearest(name, known)
    const message = `no database called ${JSON.stringify(name)} is declared here${suggestion === undefined ? '' : `: did you mean ${JSON.stringify(suggestion)}?`}`
    return [{ path: [...path, index], what: 'value' as const, message, suggestion }]
  })
}

type RawPlan = NonNullable<NonNullable<NonNullable<RawConfig['global']>['backup']>['plans']>[string]

/** Each a place, and the rest of a sentence that begins with it. */
export function planWarnings(raw: RawConfig): readonly { readonly path: Path; readonly says: string }[] {
  const backup = raw.global?.backup
  if (backup === undefined) return []
  const plans = Object.entries(backup.plans ?? {})
  const warnings: { readonly path: Path; readonly says: string }[] = []
  const warn = (path: Path, says: string): void => void warnings.push({ path: [...BACKUP, ...path], says })
  if (backup.schedule === undefined && plans.length === 0 && (backup.enabled === true || backup.retention !== undefined)) {
    warn([], 'no backup is taken by itself: there is no `schedule`.')
  }
  for (const [name, plan] of plans) {
    const path = ['plans', name]
    if (plan.schedule === undefined) warn(path, `the plan "${name}" has no \`schedule\`: it runs only by \`hayai schedule run ${name}\`.`)
    if (plan.encryption === false && backup.encryption === true) {
      warn([...path, 'encryption'], 'it is encrypted all the same: global.backup says that everything is.')
    }
  }
  const every: readonly (readonly [Path, RawPlan])[] = [[[], backup], ...plans.map(([name, plan]) => [['plans', name], plan] as const)]
  const [encrypting] = every.filter(([, { encryption }]) => encryption === true)
  if (encrypting !== undefined && (backup.recipients ?? []).length === 0) {
    warn(
      [...encrypting[0], 'encryption'],
      'there is no recipient to encrypt for, so snapshots and backups are refused: `hayai keys create`.',
    )
  }
  return warnings
}
