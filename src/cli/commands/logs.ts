// hayai logs

import { HayaiError } from '../../index.ts'
import { command, given } from '../command.ts'

export const logs = command({
  about: "Shows the end of a server's own log. With --follow it goes on until Ctrl-C.",
  positionals: { name: { brief: 'the database', proposes: 'databases' } },
  flags: {
    follow: { kind: 'switch', short: 'f', brief: 'Go on with what comes, until Ctrl-C' },
    lines: { kind: 'whole', short: 'n', value: 'N', brief: 'How many of the last lines' },
  },
  examples: { 'hayai logs mydb': 'the last lines', 'hayai logs mydb -f': 'and what comes' },
  failures: ['NOT_FOUND', 'WRONG_STATE'],
  async run({ args, flags, session }) {
    if (flags.follow && session.json) {
      throw new HayaiError('USAGE', '--follow and --json do not go together: one JSON document has an end', {
        hint: 'Leave one of them out.',
      })
    }
    const project = await session.open()
    const stream = await project.logs(args.name, { follow: flags.follow, ...given({ lines: flags.lines }) }, session.watch)
    if (!session.json) return { stream }
    const lines = await linesOf(stream)
    return { data: { name: args.name, lines }, text: () => lines.join('\n') }
  },
})

async function linesOf(stream: AsyncIterable<Uint8Array>): Promise<readonly string[]> {
  const parts: Uint8Array[] = []
  for await (const part of stream) parts.push(part)
  const text = Buffer.concat(parts).toString('utf8')
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}
