// How the tests run: on real servers, so few at a time and with patience.

import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { FETCHED } from './test/fetched.ts'

// After all that the machine itself has.
const fetched = ['mysql', 'valkey'].map((name) => join(FETCHED, name, 'bin'))
process.env['PATH'] = [process.env['PATH'], ...fetched].join(':')

/** Those that take long begin first: what begins last, alone, keeps everybody waiting. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const long = /(?:killed|journey|crash|encryption|specification|clients|mariadb-backup|embedded|compose)[\w-]*\.test\.ts$/
    const sorted = await super.sort(files)
    return sorted.toSorted((a, b) => Number(long.test(b.moduleId)) - Number(long.test(a.moduleId)))
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    testTimeout: 60_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
    expect: { poll: { timeout: 20_000 } },
    // A test that passes only at the second try has failed.
    retry: 0,
    passWithNoTests: false,
  },
})
