// hayai notify test

import { command } from '../command.ts'

export const notifyTest = command({
  about: 'Sends a test to one notification, and says whether it was taken. It is tried three times, for less than a minute.',
  positionals: { name: { brief: 'Which one', proposes: 'notifications' } },
  flags: { 'dry-run': { kind: 'switch', brief: 'Send nothing' } },
  examples: { 'hayai notify test ops': 'does it arrive?' },
  failures: ['NOT_FOUND', 'CONFIG_INVALID', 'TOOL_FAILED'],
  async run({ args, flags, session }) {
    const project = await session.open()
    const answer = await project.testNotification({ name: args.name, dryRun: flags['dry-run'] })
    return { data: answer, text: () => (answer.dryRun ? `would send a test to "${args.name}"` : `"${args.name}" has taken the test`) }
  },
})
