// A child that stays, for standing.test.ts.

import { openSync, writeSync } from 'node:fs'
import { answerAsAsked } from '../../src/base/answering.ts'
import { HayaiError } from '../../src/base/errors.ts'

await answerAsAsked({
  work: {
    pid: () => process.pid,
    open: (file: string) => openSync(file, 'r'),
    wait: (milliseconds: number) => new Promise((resolve) => setTimeout(() => resolve(process.pid), milliseconds)),
    end: () => process.kill(process.pid, 'SIGKILL'),
    refuse() {
      throw new HayaiError('CONFLICT', 'not so', { hint: 'otherwise' })
    },
  },
  asItIs: new Set(),
  explained: (error) => error,
  print: (line) => void writeSync(1, line),
})
