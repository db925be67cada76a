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

const reports = ['tests.json', 'more-tests.json'].map((name) => JSON.parse(read(name, '{}')) as Report)
const sum = (key: keyof Report): number => reports.reduce((total, report) => total + (report[key] ?? 0), 0)
const [passed, numFailedTests, skipped] = [sum('numPassedTests'), sum('numFailedTests'), sum('numPendingTests')]
const stages = read('failed-stages', '')
  .split('\n')
  .filter((name) => name !== '' && !(/^(?:more )?tests$/.test(name) && numFailedTests > 0))
const failed = Math.max(numFailedTests + stages.length, status === 0 ? 0 : 1)

console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
