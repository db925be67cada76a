// A notification by mail. A login is sent over an encrypted connection only, but for a server on this very machine.

import { createTransport } from 'nodemailer'
import type { Notification } from '../../project/notifications.ts'
import type { Message } from './message.ts'
import { trustedBy } from './post.ts'
import { addressOf } from './senders.ts'

/** Each step may take so long; all of it ends with the signal. */
const STEP = 10_000

export async function mail(to: Notification, { title, text }: Message, signal: AbortSignal): Promise<void> {
  const url = addressOf(to)
  const user = to.user ?? (url.username === '' ? undefined : decodeURIComponent(url.username))
  const pass = to.password?.reveal() ?? decodeURIComponent(url.password)
  const host = url.hostname.replaceAll(/[[\]]/g, '')
  const secure = url.protocol === 'smtps:'
  const ca = await trustedBy(to.ca)
  const here = ['localhost', '127.0.0.1', '::1'].includes(host)
  const transport = createTransport({
    host,
    port: url.port === '' ? (secure ? 465 : 587) : Number(url.port),
    secure,
    requireTLS: !secure && user !== undefined && !here,
    ...(user !== undefined && { auth: { user, pass } }),
    // Nobody is between this machine and itself, and mail servers there have certificates that nobody has signed.
    tls: ca === undefined ? { rejectUnauthorized: !here } : { ca },
    connectionTimeout: STEP,
    greetingTimeout: STEP,
    socketTimeout: STEP,
    dnsTimeout: STEP,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const sent = transport.sendMail({
    from: to.from,
    to: [...to.to],
    subject: title,
    text: `${text}\n`,
    headers: { 'Auto-Submitted': 'auto-generated' },
  })
  try {
    await Promise.race([sent, ended(signal)])
  } finally {
    sent.catch(() => {}) // when it took too long, nobody waits for it any more
    transport.close()
  }
}

function ended(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = (): void => reject(signal.reason instanceof Error ? signal.reason : new DOMException('', 'AbortError'))
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
}
