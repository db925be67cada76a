// Where the tests put what they throw away: into memory where there is plenty, for a disk makes everybody wait for each data folder.
// What proves something about files themselves stays on the disk, and so does one journey through all of every engine and each of
// its formats.

import { expect } from 'vitest'
import { memory } from './memory.ts'

const ON_DISK = /\/test\/(?:base|stores|snapshots)\/|\/test\/runtimes\/embedded\.test|\/test\/trials\/journey\.test/

const place = ON_DISK.test(expect.getState().testPath ?? '') ? undefined : memory()
if (place !== undefined) process.env['TMPDIR'] = place
