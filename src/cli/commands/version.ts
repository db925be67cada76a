// hayai version

import { command } from '../command.ts'

export const version = command({
  about: 'Shows the version of Hayai, and of the Node it runs on.',
  positionals: {},
  flags: {},
  examples: { 'hayai version': 'for people', 'hayai --version': 'the number alone, at once' },
  failures: [],
  run: async ({ session: { version } }) => ({
    data: { version, node: process.versions.node },
    text: () => `hayai ${version} (Node ${process.versions.node})`,
  }),
})
