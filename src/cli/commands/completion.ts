// hayai completion bash|zsh|fish

import type { HayaiError } from '../../index.ts'
import { wrongChoice } from '../arguments.ts'
import { command } from '../command.ts'
import { SHELLS } from '../shells.ts'

export const completion = command({
  about: 'Prints a script that teaches your shell to complete commands, options, and the names of databases and snapshots.',
  positionals: { shell: { brief: 'bash, zsh or fish', proposes: ['bash', 'zsh', 'fish'] } },
  flags: {},
  examples: {
    'source <(hayai completion bash)': 'in ~/.bashrc',
    'source <(hayai completion zsh)': 'in ~/.zshrc, after compinit',
    'hayai completion fish | source': 'in ~/.config/fish/config.fish',
  },
  failures: [],
  async run({ args }) {
    const { shell } = args
    const script = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined
    if (script === undefined) throw unknownShell(shell)
    return { data: { shell, script }, text: () => script.trimEnd() }
  },
})

function unknownShell(shell: string): HayaiError {
  return wrongChoice('the shell', shell, Object.keys(SHELLS))
}
