// notify: who is told how the plans go, and whether that works.

import { HayaiError } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import { makeOwnFolder } from '../project/catalog.ts'
import type { Notification } from '../project/notifications.ts'
import { configOf, type Context } from './context.ts'
import { deliver } from './news/deliver.ts'
import { messageOfTest } from './news/message.ts'
import { notificationsOfPlan } from './news/occasions.ts'
import { notificationsIn, projectOf } from './news/tell.ts'
import { lastDeliveries, noteTold, toldIn } from './news/told.ts'
import { lookupIn } from './news/values.ts'
import type { NotificationView, TestNotificationAnswer, TestNotificationRequest } from './news-answers.ts'

export async function notifications(context: Context): Promise<readonly NotificationView[]> {
  const all = await notificationsIn(context)
  const plans = (await configOf(context))?.plans ?? []
  const last = lastDeliveries(await toldIn(context.paths.told))
  return all.map((each) => ({
    name: each.name,
    kind: each.kind,
    on: each.on,
    plans: plans.filter((plan) => notificationsOfPlan(plan, [each]).length > 0).map(({ name }) => name),
    last: last.get(each.name) ?? null,
  }))
}

export async function testNotification(context: Context, { name, dryRun }: TestNotificationRequest): Promise<TestNotificationAnswer> {
  const notification = called(name, await notificationsIn(context))
  if (dryRun === true) return { delivery: null, dryRun }
  const at = new Date()
  const [delivery] = await deliver([notification], messageOfTest(name, projectOf(context), at), lookupIn(context))
  if (delivery === undefined) throw new Error('a delivery to one notification is one')
  const { told } = await makeOwnFolder(context.root)
  await noteTold(told, { at: at.toISOString(), plan: null, run: null, deliveries: [delivery] })
  if (delivery.ok) return { delivery, dryRun: false }
  throw new HayaiError('TOOL_FAILED', `the notification "${name}" could not be delivered: ${delivery.error}`, {
    hint: `Look at global.backup.notifications.${name} in .hayaidb, and at the receiver.`,
    details: { delivery },
  })
}

function called(name: string, all: readonly Notification[]): Notification {
  const found = all.find((each) => each.name === name)
  if (found !== undefined) return found
  const near = nearest(
    name,
    all.map((each) => each.name),
  )
  throw new HayaiError('NOT_FOUND', `no notification is called ${JSON.stringify(name)}`, {
    hint:
      near === undefined
        ? 'Declare one under global.backup.notifications of .hayaidb: docs/AUTOMATION.md shows how.'
        : `Did you mean "${near}"? \`hayai notify\` lists them.`,
  })
}
