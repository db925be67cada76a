// What `global.backup.notifications` of `.hayaidb` may say: to whom it is told how the plans go. The values are secrets, most of them.

import { z } from 'zod'

export const KINDS = ['webhook', 'slack', 'ntfy', 'smtp', 'ping'] as const
export const EVENTS = ['failure', 'recovery', 'silence', 'success'] as const

const url = (scheme: RegExp, rule: string) => z.exactOptional(z.string(rule).regex(scheme, rule))
const web = (what: string) => url(/^(https?:\/\/|\$\{|secret:)/, `${what}, https://..., \${VARIABLE} or secret:name`)
const text = (rule: string) => z.exactOptional(z.string(rule).min(1, rule))

const MAILS = 'a mail address, or a list of them'

const notification = z
  .strictObject(
    {
      webhook: web('the address of a web service').meta({ description: 'Gets JSON: docs/AUTOMATION.md.' }),
      slack: web('the address of an incoming webhook').meta({ description: 'Slack, Mattermost, Rocket.Chat, Discord with /slack.' }),
      ntfy: web('the address of a topic').meta({ description: 'ntfy.sh, or a server of your own, with the topic.' }),
      ping: web('the address of a check').meta({ description: 'Told of each beginning and end, as healthchecks.io has it.' }),
      smtp: url(/^(smtps?:\/\/|\$\{|secret:)/, 'smtp://host:port, smtps://host:port or ${VARIABLE}').meta({
        description: 'The server that sends mail.',
      }),
      from: text('a mail address'),
      to: z.exactOptional(z.union([z.string(MAILS).min(1, MAILS), z.array(z.string(MAILS).min(1, MAILS)).min(1, MAILS)], MAILS)),
      user: text('a login'),
      password: text('a password, such as ${SMTP_PASSWORD}'),
      token: text('an access token, such as ${NTFY_TOKEN}'),
      ca: text('the path of a file of certificates').meta({
        description: 'Whose certificates the server may have, besides the known ones.',
      }),
      on: z
        .exactOptional(z.array(z.enum(EVENTS, `one of ${EVENTS.join(', ')}`), `a list of ${EVENTS.join(', ')}`))
        .meta({ description: 'What is told; failure, recovery and silence when not given.' }),
    },
    'a mapping with one of webhook, slack, ntfy, smtp, ping',
  )
  .check(({ value, issues }) => {
    const flaw = flawOf(value)
    if (flaw !== undefined) issues.push({ code: 'custom', input: value, message: flaw })
  })

function flawOf(value: Readonly<Record<string, unknown>>): string | undefined {
  const kinds = KINDS.filter((kind) => value[kind] !== undefined)
  if (kinds.length !== 1) return `a mapping with exactly one of ${KINDS.join(', ')}`
  if (value['smtp'] !== undefined && (value['from'] === undefined || value['to'] === undefined))
    return 'a mapping with `smtp`, `from` and `to`'
  if (value['smtp'] === undefined && ['from', 'to', 'user', 'password'].some((key) => value[key] !== undefined)) {
    return 'a mapping without `from`, `to`, `user` and `password`, which belong to `smtp`'
  }
  if (value['ping'] !== undefined && value['on'] !== undefined) return 'a mapping without `on`: a ping is told of every beginning and end'
  return undefined
}

export const notifications = z.exactOptional(z.nullable(z.record(z.string(), notification, 'a mapping of names to notifications')))
