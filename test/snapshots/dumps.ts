// What the tests of this folder save: dumps by real programs, with facts that were counted elsewhere.

import { randomBytes } from 'node:crypto'
import type { Bytes } from '../../src/base/bytes.ts'
import { run } from '../../src/base/exec.ts'
import type { Census, Dump, Format, Outlined } from '../../src/engines/engine.ts'
import { parseCompression } from '../../src/snapshots/codecs.ts'
import type { Draft, SaveOptions } from '../../src/snapshots/saving.ts'

export const CENSUS: Census = { tables: { 'shop/public.orders': 3 }, objects: { roles: 1 } }

const FACTS: Outlined = {
  product: 'PostgreSQL',
  version: '15.18',
  census: CENSUS,
  notes: ['A note.'],
  tools: { pg_dump: '15.18' },
  outline: {
    bytes: 8192,
    tables: { 'shop/public.orders': { columns: { id: { type: 'integer', nullable: false, default: null } }, parts: {} } },
    objects: {},
  },
}

export const FORMAT: Format = {
  name: 'sql',
  extension: '.sql',
  fills: 'awake',
  kind: 'logical',
  byHand: (file) => [`psql -f ${file}`],
}

export function draft(database = 'shop'): Draft {
  return {
    id: randomBytes(16).toString('hex'),
    project: 'demo',
    database,
    engine: 'postgresql',
    runtime: 'native',
    comment: 'before the migration',
    tags: ['nightly'],
    askedBy: 'person',
    git: null,
    started: new Date('2026-01-08T10:30:40.500Z'),
  }
}

/** What a shell line prints, as a dump of 10:30:45; it fails when the line does. */
export function dumpOf(line: string, facts: Partial<Outlined> = {}): Dump {
  return {
    instant: new Date('2026-01-08T10:30:45.123Z'),
    bytes: run({ file: 'sh', args: ['-c', line] }),
    land: (into) => run({ file: 'sh', args: ['-c', line], into }),
    facts: () => Promise.resolve({ ...FACTS, ...facts }),
    expectedBytes: undefined,
    close: () => Promise.resolve(),
  }
}

export function options(compression = 'none', more: Partial<SaveOptions> = {}): SaveOptions {
  return {
    format: FORMAT,
    compression: parseCompression(compression),
    recipients: [],
    check: (bytes: Bytes) => bytes,
    signal: new AbortController().signal,
    onProgress: () => {},
    ...more,
  }
}
