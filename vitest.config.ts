// How the tests run: on real servers, so few at a time and with patience.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { defineConfig, type Plugin } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { FETCHED, findNewerFirst } from './test/fetched.ts'
import { CURRENT } from './test/programs.ts'

// After all that the machine itself has.
const fetched = ['mysql', 'valkey'].map((name) => join(FETCHED, name, 'bin'))
process.env['PATH'] = [process.env['PATH'], ...fetched].join(':')
if (process.env['HAYAI_TEST_SERVERS'] === 'newer') findNewerFirst()

/** Those that take long begin first: what begins last, alone, keeps everybody waiting. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const long = /(?:killed|journey|crash|encryption|specification|clients|mariadb-backup|embedded|compose)[\w-]*\.test\.ts$/
    const sorted = await super.sort(files)
    return sorted.toSorted((a, b) => Number(long.test(b.moduleId)) - Number(long.test(a.moduleId)))
  }
}

/** What a test calls in its own process looks for its children where the bundle has them, not beside its source. */
const bundledChildren: Plugin = {
  name: 'bundled-children',
  enforce: 'pre',
  transform: {
    filter: { id: /\/src\/engines\/\w+\/ask\.ts$/ },
    handler(code) {
      const pieces = code.split('import.meta.url')
      if (pieces.length !== 2) throw new Error('a child is asked for in another way: vitest.config.ts is to learn it')
      return { code: pieces.join(JSON.stringify(pathToFileURL(join(CURRENT, 'asker.js')).href)), map: null }
    },
  },
}

export default defineConfig({
  plugins: [bundledChildren],
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/programs-bundle.ts'],
    setupFiles: ['test/scratch.ts'],
    pool: 'forks',
    // Servers and their programs take the cores; a test often waits for them.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    // For what hangs. What is slow has time: machines differ by a factor of five.
    testTimeout: 180_000,
    hookTimeout: 300_000,
    teardownTimeout: 30_000,
    expect: { poll: { timeout: 60_000 } },
    // A test that passes only at the second try has failed.
    retry: 0,
    passWithNoTests: false,
  },
})
