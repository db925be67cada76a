// Checks, as lines.

import type { Check } from '../../index.ts'
import type { Style } from '../output.ts'

export function checkLines(checks: readonly Check[], style: Style): readonly string[] {
  return checks.map(({ what, ok, detail }) => `  ${ok ? style.good('✓') : style.bad('✗')} ${what}: ${detail}`)
}
