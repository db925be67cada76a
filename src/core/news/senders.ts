// A way to tell for each kind of notification. Each sends once, and throws when it was not taken.

import type { Kind, Notification } from '../../project/notifications.ts'
import type { Message } from './message.ts'
import { post } from './post.ts'
import { Undelivered } from './undelivered.ts'

export type Sender = (notification: Notification, message: Message, signal: AbortSignal) => Promise<void>

const JSON_BODY = { 'content-type': 'application/json' }

export const SENDERS: Readonly<Record<Kind, Sender>> = {
  webhook: (to, { body }, signal) => send(to, addressOf(to), { headers: JSON_BODY, body: JSON.stringify(body) }, signal),
  slack: (to, { title, text }, signal) =>
    send(to, addressOf(to), { headers: JSON_BODY, body: JSON.stringify({ text: slackText(`*${title}*\n${text}`) }) }, signal),
  ntfy: (to, { event, title, text }, signal) => {
    const { priority, tag } = NTFY[event]
    const headers = { title: headerText(title), priority, tags: tag, 'content-type': 'text/plain; charset=utf-8' }
    return send(to, addressOf(to), { headers, body: text }, signal)
  },
  ping: (to, { event, title, text }, signal) => ping(to, event === 'failure' ? 'fail' : undefined, `${title}\n${text}`, signal),
  smtp: async (to, message, signal) => (await import('./mail.ts')).mail(to, message, signal),
}

/** A dead-man's check: that a run began, that it failed, or without a word that it succeeded. */
export function ping(to: Notification, what: 'start' | 'fail' | undefined, body: string, signal: AbortSignal): Promise<void> {
  const url = addressOf(to)
  if (what !== undefined) url.pathname = `${url.pathname.replace(/\/$/, '')}/${what}`
  return send(to, url, { headers: { 'content-type': 'text/plain; charset=utf-8' }, body }, signal)
}

const NTFY = {
  failure: { priority: 'high', tag: 'rotating_light' },
  silence: { priority: 'high', tag: 'warning' },
  recovery: { priority: 'default', tag: 'white_check_mark' },
  success: { priority: 'low', tag: 'white_check_mark' },
  test: { priority: 'default', tag: 'bell' },
} as const

async function send(
  { token, ca }: Notification,
  url: URL,
  { headers, body }: { readonly headers: Readonly<Record<string, string>>; readonly body: string },
  signal: AbortSignal,
): Promise<void> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token.reveal()}` }
  await post(url, { headers: { ...headers, ...authorization }, body, ca, signal })
}

/** Where it goes to. What is no address is not shown: it may be a secret in the wrong place. */
export function addressOf({ address }: Notification): URL {
  const url = URL.parse(address.reveal())
  if (url !== null && /^(https?|smtps?):$/.test(url.protocol)) return url
  throw new Undelivered('its address is none', false)
}

/** The three characters that Slack reads as markup. */
function slackText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** A header is ASCII: anything else is told as RFC 2047 does. */
function headerText(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : `=?UTF-8?B?${Buffer.from(text).toString('base64')}?=`
}
