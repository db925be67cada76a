// hayai notify, and the way to its subcommand.

import type { NotificationView } from '../../index.ts'
import { command } from '../command.ts'
import type { Style } from '../output.ts'
import { age, table } from '../wording.ts'

export const notify = command({
  about:
    'Lists who is told how the plans go (global.backup.notifications of .hayaidb): of what, of which plans, and whether the last ' +
    'message was delivered. Addresses are secrets, and are not shown.',
  positionals: {},
  flags: {},
  examples: {
    'hayai notify': 'who is told what',
    'hayai notify test ops': 'does it arrive?',
  },
  failures: ['NOT_FOUND', 'CONFIG_INVALID'],
  subcommands: {
    test: { brief: 'Send a test', load: async () => (await import('./notify-test.ts')).notifyTest },
  },
  async run({ session }) {
    const project = await session.open()
    const all = await project.notifications()
    return { data: all, text: (style) => listText(all, style) }
  },
})

function listText(all: readonly NotificationView[], style: Style): string {
  if (all.length === 0)
    return 'Nobody is told anything.\n  begin: global: {backup: {notifications: {ops: {webhook: https://...}}}} in .hayaidb'
  const rows = all.map(({ name, kind, on, plans, last }) => [
    name,
    kind,
    kind === 'ping' ? 'every run' : on.join(' '),
    plans.join(' '),
    last === null ? 'never' : `${last.event}, ${age(last.at)}${last.ok ? '' : `: NOT DELIVERED, ${last.error}`}`,
  ])
  return table(['NAME', 'KIND', 'ON', 'PLANS', 'LAST TOLD'], rows, style)
}
