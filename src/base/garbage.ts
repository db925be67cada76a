// Bytes that stream through Node leave their buffers behind as garbage. V8 sees little objects with much memory behind them,
// and lets 64 MB of it pile up before it looks: that alone would be most of what Hayai needs. A small collection now and
// then, half a millisecond each, keeps it at a tenth.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const EVERY = 8 * 1024 * 1024

let passed = 0
let collect: (() => void) | undefined

/** To be told of each piece by who passes on what is larger than the memory. */
export function streamed(bytes: number): void {
  passed += bytes
  if (passed < EVERY) return
  passed = 0
  collect ??= collector()
  collect()
}

function collector(): () => void {
  setFlagsFromString('--expose-gc')
  const gc: unknown = runInNewContext('gc')
  setFlagsFromString('--no-expose-gc')
  if (typeof gc !== 'function') return () => {}
  return () => void Reflect.apply(gc, undefined, [{ type: 'minor', execution: 'sync' }])
}
