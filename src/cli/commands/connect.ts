// hayai connect: a person asked how to get in, so here, and only here, a password is shown.

import type { Connection } from '../../index.ts'
import { command } from '../command.ts'
import { pairs } from '../wording.ts'

export const connect = command({
  about: 'Shows host, port, user, password, database and URI. This is the one command that shows a password.',
  positionals: { name: { brief: 'the database', proposes: 'databases' } },
  flags: { uri: { kind: 'switch', brief: 'Only the URI, for a program to take' } },
  examples: {
    'hayai connect mydb': 'everything a client asks for',
    'psql "$(hayai connect mydb --uri)"': 'straight in',
    'hayai connect mydb --json': 'for programs',
  },
  failures: ['NOT_FOUND'],
  async run({ args, flags, session }) {
    const project = await session.open()
    const shown = revealed(await project.connect(args.name))
    return { data: shown, text: (style) => (flags.uri ? shown.uri : pairs(entriesOf(shown), style)) }
  },
})

type Revealed = { readonly [K in keyof Connection]: K extends 'uri' ? string : K extends 'password' ? string | null : Connection[K] }

function revealed(connection: Connection): Revealed {
  return { ...connection, password: connection.password?.reveal() ?? null, uri: connection.uri.reveal() }
}

function entriesOf(shown: Revealed): readonly (readonly [string, string])[] {
  const { host, port, user, password, database, tls, file, uri } = shown
  return Object.entries({ host, port, user, password, database, authority: tls?.authority ?? null, file, uri }).flatMap(([name, value]) =>
    value === null ? [] : [[name, String(value)] as const],
  )
}
