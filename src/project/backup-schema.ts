// What `global.backup` of `.hayaidb` may say: the plan called `default`, further plans by name, and for whom is encrypted.

import { z } from 'zod'
import { CronFlaw, parseCron } from '../base/cron.ts'
import { NAME_PATTERN } from '../base/names.ts'
import { isZone } from '../base/zones.ts'
import { notifications } from './notification-schema.ts'

const truth = z.exactOptional(z.boolean('true or false'))
const count = z.exactOptional(z.int('a whole number').min(0, 'a whole number from 0 on'))
const DURATION_RULE = 'a duration, such as 30d (h, d, w, m or y)'
const duration = z.string(DURATION_RULE).regex(/^(?=.)(?!0)(\d{1,4}y)?(\d{1,5}m)?(\d{1,5}w)?(\d{1,6}d)?(\d{1,7}h)?$/, DURATION_RULE)

const retention = z.union(
  [
    duration,
    z.strictObject({
      last: count,
      hourly: count,
      daily: count,
      weekly: count,
      monthly: count,
      yearly: count,
      within: z.exactOptional(duration),
      minimum: count,
    }),
  ],
  'a duration, such as 30d, or a mapping such as {daily: 7, weekly: 4}',
)

const CRON_RULE = 'a cron line, such as "0 2 * * *"'
const schedule = z
  .string(CRON_RULE)
  .min(1, CRON_RULE)
  .check(({ value, issues }) => {
    const flaw = value === '' ? undefined : cronFlaw(value)
    if (flaw !== undefined) issues.push({ code: 'custom', input: value, message: flaw })
  })

function cronFlaw(line: string): string | undefined {
  try {
    parseCron(line)
    return undefined
  } catch (error) {
    if (error instanceof CronFlaw) return error.message
    throw error
  }
}

const ZONE_RULE = 'the name of a time zone, such as Europe/Lisbon or UTC'
const timezone = z
  .string(ZONE_RULE)
  .check(({ value, issues }) => void (isZone(value) || issues.push({ code: 'custom', input: value, message: ZONE_RULE })))

const HOW_OFTEN = ['always', 'daily', 'weekly', 'monthly'] as const
const verify = z.union(
  [
    z.enum(['never', 'digest']),
    z.strictObject({ restore: z.enum(HOW_OFTEN, `one of ${HOW_OFTEN.join(', ')}`) }, 'never, digest, or {restore: weekly}'),
  ],
  'never, digest, or {restore: weekly}',
)

const COMMAND_RULE = 'a command, or a list of commands'
const command = z.exactOptional(
  z.union([z.string().min(1, COMMAND_RULE), z.array(z.string(COMMAND_RULE).min(1, COMMAND_RULE)).min(1, COMMAND_RULE)], COMMAND_RULE),
)
const LIMIT_RULE = 'a duration, such as 30s, 10m or 2h'
const hooks = z.strictObject(
  {
    before: command,
    after: command,
    on_failure: command,
    timeout: z
      .exactOptional(z.string(LIMIT_RULE).regex(/^[1-9]\d{0,4}[smh]$/, LIMIT_RULE))
      .meta({ description: 'How long each command may take; 10m when not given.' }),
  },
  'a mapping with `before`, `after` or `on_failure`',
)

const NAME_RULE = 'a name'
const FOLDERS_RULE = 'a list of folders'

/** What every plan may say, the one called `default` in `global.backup` itself. */
const plan = {
  enabled: truth.meta({ description: 'Whether it runs by itself.' }),
  databases: z
    .exactOptional(z.array(z.string(NAME_RULE).regex(NAME_PATTERN, NAME_RULE), 'a list of names').min(1, 'a list of names'))
    .meta({ description: 'Which databases; all when not given.' }),
  take: z
    .exactOptional(z.enum(['backup', 'snapshot'], 'one of backup, snapshot'))
    .meta({ description: 'A backup of all of them at one moment, or a snapshot of each.' }),
  schedule: z.exactOptional(schedule).meta({ description: 'When: a cron line of five fields, or @hourly, @daily, ...' }),
  timezone: z.exactOptional(timezone).meta({ description: "Whose clock the schedule means; the machine's own when not given." }),
  retention: z.exactOptional(retention).meta({ description: 'What to keep; everything when not given.' }),
  compression: z
    .exactOptional(
      z.string('none, gzip or zstd').regex(/^(none|(gzip|zstd)(:\d{1,2})?)$/, 'none, gzip or zstd, with a level if need be (zstd:3)'),
    )
    .meta({ description: 'How it is packed.' }),
  encryption: truth.meta({ description: 'Whether it is encrypted, for the recipients.' }),
  destinations: z
    .exactOptional(z.array(z.string(FOLDERS_RULE).min(1, FOLDERS_RULE), FOLDERS_RULE))
    .meta({ description: 'Folders to which each copy also goes, each below a folder of the name of the plan.' }),
  verify: z.exactOptional(verify).meta({ description: 'How it is checked after it was taken; by its digest when not given.' }),
  hooks: z.exactOptional(hooks).meta({ description: 'Commands before and after, and when it failed.' }),
  notify: z
    .exactOptional(z.union([z.string().min(1), z.array(z.string(NAME_RULE).min(1, NAME_RULE))], 'a name, or a list of names'))
    .meta({ description: 'Which notifications tell how it went.' }),
}

const RECIPIENT_RULE = 'an age recipient, as `hayai keys show` shows them'

export const PLAN_NAME_RULE = '1 to 63 small letters, digits, "-" and "_", beginning with a letter or a digit, and not "default"'

export const backup = z.strictObject(
  {
    ...plan,
    notifications,
    metrics: z
      .exactOptional(z.string('the path of a file').min(1, 'the path of a file'))
      .meta({ description: 'Metrics for Prometheus are written into this file after each run.' }),
    recipients: z.exactOptional(
      z.array(z.string(RECIPIENT_RULE).regex(/^age1[02-9ac-hj-np-z]{58}$/, RECIPIENT_RULE), 'a list of age recipients'),
    ),
    plans: z.exactOptional(
      z.nullable(
        z.record(
          z.string().meta({ pattern: NAME_PATTERN.source }),
          z.strictObject(plan, 'a mapping with a `schedule`'),
          'a mapping of names to plans',
        ),
      ),
    ),
  },
  'a mapping',
)

export type RawBackup = z.infer<typeof backup>
