// Prints `N passed, N failed` from what `npm test` wrote down. A stage that failed besides the tests counts as one that failed,
// and so does a run that broke off.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = join(import.meta.dirname, '..', 'node_modules', '.cache', 'hayai')
const status = Number(process.argv[2])

interface Report {
  readonly numPassedTests?: number
  readonly numFailedTests?: number
  readonly numPendingTests?: number
}

function read(name: string, otherwise: string): string {
  const file = join(folder, name)
  return existsSync(file) ? readFileSync(file, 'utf8') : otherwise
}

const { numPassedTests: passed = 0, numFailedTests = 0, numPendingTests: skipped = 0 } = JSON.parse(read('tests.json', '{}')) as Report
const stages = read('failed-stages', '')
  .split('\n')
  .filter((name) => name !== '' && !(name === 'tests' && numFailedTests > 0))
const failed = Math.max(numFailedTests + stages.length, status === 0 ? 0 : 1)

console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
