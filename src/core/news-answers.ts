// What the verbs of notifications are asked and what they answer.

import type { Event, Kind } from '../project/notifications.ts'

/** What became of telling one notification something. */
export interface Delivery {
  readonly notification: string
  readonly event: Event | 'test'
  readonly ok: boolean
  readonly tries: number
  /** Why not, in words that name no address. */
  readonly error: string | null
}

export interface NotificationView {
  readonly name: string
  readonly kind: Kind
  /** A ping is told of every beginning and end. */
  readonly on: readonly Event[]
  /** The plans of which it tells. */
  readonly plans: readonly string[]
  /** When it was told something last, and what became of that; null when it never was. */
  readonly last: (Delivery & { readonly at: string }) | null
}

export interface TestNotificationRequest {
  readonly name: string
  readonly dryRun?: boolean
}

export interface TestNotificationAnswer {
  /** null on a dry run. */
  readonly delivery: Delivery | null
  readonly dryRun: boolean
}

export interface Notifying {
  /** To whom it is told how the plans go. Changes nothing. */
  notifications(): Promise<readonly NotificationView[]>
  /** Tells one of them that this is a test. TOOL_FAILED when it could not be delivered. */
  testNotification(request: TestNotificationRequest): Promise<TestNotificationAnswer>
}

export type { Event, Kind as NotificationKind }
