// hayai snapshot verify

import { HayaiError, type VerifyAnswer } from '../../index.ts'
import { command, given } from '../command.ts'
import type { Style } from '../output.ts'
import { duration, place } from '../wording.ts'
import { checkLines } from './checks.ts'

export const snapshotVerify = command({
  about:
    'Restores a snapshot into an empty database beside the live one, counts it, and throws that away. The live database is not ' +
    'touched. The verdict is kept with the snapshot, and a failed one is exit status 9.',
  positionals: {
    ref: { brief: 'a path, a file name, an id or the start of one; NAME@latest, or with --latest a database', proposes: 'snapshots' },
  },
  flags: {
    latest: { kind: 'switch', brief: 'The newest snapshot of the database that is named' },
    engine: { kind: 'text', value: 'ENGINE', brief: 'The engine of a file that has no manifest', proposes: 'engines' },
  },
  examples: { 'hayai snapshot verify 3f2a91c0': 'by id', 'hayai snapshot verify mydb --latest': 'the newest one of a database' },
  failures: ['NOT_FOUND', 'CORRUPT', 'TOOL_FAILED'],
  async run({ args, flags, session }) {
    const project = await session.open()
    const request = { reference: args.ref, latest: flags.latest, ...given({ engine: flags.engine }) }
    const answer = await project.verify(request, session.watch)
    if (!answer.ok) throw failed(answer)
    return { data: answer, text: (style) => verifyText(answer, style) }
  },
})

function failed({ snapshot, checks, seconds }: VerifyAnswer): HayaiError {
  const [reason] = checks.filter(({ ok }) => !ok).map(({ what, detail }) => `${what}: ${detail}`)
  return new HayaiError('CORRUPT', `${place(snapshot.path)} did not pass verification: ${reason ?? 'a check failed'}`, {
    hint: 'Do not rely on it. `hayai snapshot list` shows the others.',
    details: { snapshot, checks, seconds },
  })
}

function verifyText({ snapshot, checks, seconds }: VerifyAnswer, style: Style): string {
  return [`${style.good('✓')} ${place(snapshot.path)} can be restored (${duration(seconds)})`, ...checkLines(checks, style)].join('\n')
}
