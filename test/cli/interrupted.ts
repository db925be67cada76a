// Work that needs 400 ms to clear up, for interrupts.test.ts.

import { setTimeout as sleep } from 'node:timers/promises'
import { listenForInterrupts } from '../../src/cli/interrupts.ts'

const interrupts = listenForInterrupts(() => process.stdout.write('told '))
process.stdout.write('ready ')
try {
  await sleep(20_000, undefined, { signal: interrupts.signal })
} catch {
  await sleep(400)
  process.stdout.write('cleared')
  process.exitCode = interrupts.status() ?? 99
}
