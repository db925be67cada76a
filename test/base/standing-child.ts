// A child that stays, for standing.test.ts.

import { openSync, writeSync } from 'node:fs'
import { answerEach } from '../../src/base/answering.ts'
import { HayaiError } from '../../src/base/errors.ts'
import { lineOfAnswer, lineOfError } from '../../src/base/lines.ts'

const work: Readonly<Record<string, (request: unknown) => unknown>> = {
  pid: () => process.pid,
  open: (file) => openSync(String(file), 'r'),
  wait: (milliseconds) => new Promise((resolve) => setTimeout(() => resolve(process.pid), Number(milliseconds))),
  end: () => process.kill(process.pid, 'SIGKILL'),
}

await answerEach(
  async (verb, request) => {
    if (verb === 'refuse') return lineOfError(new HayaiError('CONFLICT', 'not so', { hint: 'otherwise' }))
    const found = work[verb]
    if (found === undefined) throw new Error(`nobody knows ${verb}`)
    return lineOfAnswer(await found(request))
  },
  (line) => void writeSync(1, line),
)
