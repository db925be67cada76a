// hayai help [COMMAND...]

import { command } from '../command.ts'
import { helpFor } from '../help.ts'

export const help = command({
  about: 'Shows the commands, or all about one of them: the same as `hayai COMMAND --help`.',
  positionals: { command: { brief: 'the command, and its subcommand', optional: true, many: true, proposes: 'commands' } },
  flags: {},
  examples: { 'hayai help': 'all commands', 'hayai help snapshot list': 'one of them' },
  failures: [],
  run: ({ args }) => helpFor(args.command),
})
