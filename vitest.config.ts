// How the tests run: on real servers, so few at a time and with patience.

import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
    expect: { poll: { timeout: 20_000 } },
    // A test that passes only at the second try has failed.
    retry: 0,
    passWithNoTests: false,
  },
})
