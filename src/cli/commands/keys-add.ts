// hayai keys add RECIPIENT

import { CHANGING } from '../arguments.ts'
import { command } from '../command.ts'

export const keysAdd = command({
  about:
    "Adds a recipient to .hayaidb: a colleague's, or one that `age-keygen` made. What is encrypted from then on, its owner can read too; " +
    'what was encrypted before stays as it is.',
  positionals: { recipient: { brief: 'the public half of a key: age1...' } },
  flags: { ...CHANGING },
  examples: { 'hayai keys add age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p': 'also for them' },
  failures: ['USAGE', 'CONFLICT', 'STORE_FAILED'],
  async run({ args, flags, session }) {
    const project = await session.open()
    const answer = await project.addRecipient({ recipient: args.recipient, dryRun: flags['dry-run'] })
    const { recipient, added, recipients, dryRun } = answer
    return {
      data: answer,
      text: (style) => {
        if (!added) return `${recipient} is a recipient already.`
        if (dryRun) return `would add ${recipient} to .hayaidb\nNothing was changed.`
        return `${style.good('✓')} ${recipient} is a recipient, one of ${recipients.length}`
      },
    }
  },
})
