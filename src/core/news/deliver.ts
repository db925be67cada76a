// Telling everybody at once, with patience that ends: three tries of ten seconds, pauses between them, and never a minute in all. Whoever
// cannot be told is named, and nothing else comes of it.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Notification } from '../../project/notifications.ts'
import type { Delivery } from '../news-answers.ts'
import type { Message } from './message.ts'
import { SENDERS } from './senders.ts'
import { undelivered } from './undelivered.ts'
import { meant, type Lookup } from './values.ts'

export interface Patience {
  /** Milliseconds for one try, and the pauses before the others. */
  readonly once: number
  readonly pauses: readonly number[]
}

const PATIENCE: Patience = { once: 10_000, pauses: [1000, 4000] }

export function deliver(
  notifications: readonly Notification[],
  message: Message,
  lookup: Lookup,
  patience: Patience = PATIENCE,
): Promise<readonly Delivery[]> {
  return Promise.all(notifications.map((each) => deliverTo(each, message, lookup, patience)))
}

async function deliverTo(notification: Notification, message: Message, lookup: Lookup, { once, pauses }: Patience): Promise<Delivery> {
  const { name } = notification
  for (let tries = 1; ; tries++) {
    try {
      await SENDERS[notification.kind](await meant(notification, lookup), message, AbortSignal.timeout(once))
      return { notification: name, event: message.event, ok: true, tries, error: null }
    } catch (error) {
      const { message: words, passing } = undelivered(error)
      const pause = passing ? pauses[tries - 1] : undefined
      if (pause === undefined) return { notification: name, event: message.event, ok: false, tries, error: words }
      await sleep(pause)
    }
  }
}
