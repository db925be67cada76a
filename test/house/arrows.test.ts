// The arrows between the rooms hold: for each one that is forbidden, the lint of this project fails on a file that draws it.

import { spawnSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '..', '..')
const RULE = 'eslint(no-restricted-imports)'

/** The room's file that imports, and what it imports. */
const FORBIDDEN: readonly (readonly [file: string, statement: string])[] = [
  ['src/base/a.ts', `import '../engines/engine.ts'`],
  ['src/base/b.ts', `import '../index.ts'`],
  ['src/base/c.ts', `import 'zod'`],
  ['src/base/d.ts', `import '@clack/prompts'`],
  ['src/base/e.ts', `import '../base/errors.ts'`],
  ['src/engines/a.ts', `import './sqlite.ts'`],
  ['src/engines/b.ts', `import '../runtimes/runtime.ts'`],
  ['src/engines/c.ts', `import '../core/answers.ts'`],
  ['src/engines/d.ts', `import '../snapshots/manifest.ts'`],
  ['src/engines/e.ts', `import './../stores/store.ts'`],
  ['src/engines/redis/a.ts', `import '../postgresql.ts'`],
  ['src/engines/redis/b.ts', `import '../postgresql/sql.ts'`],
  ['src/engines/redis/c.ts', `import '../../runtimes/runtime.ts'`],
  ['src/engines/f.ts', `import './postgresql/sql.ts'`],
  ['src/engines/postgresql.ts', `import './sqlite.ts'`],
  ['src/runtimes/a.ts', `import '../engines/postgresql.ts'`],
  ['src/runtimes/b.ts', `import '../core/answers.ts'`],
  ['src/runtimes/c.ts', `import '../snapshots/manifest.ts'`],
  ['src/runtimes/d.ts', `import '../project/catalog.ts'`],
  ['src/runtimes/e.ts', `import '../stores/store.ts'`],
  ['src/runtimes/native/a.ts', `import '../../engines/postgresql.ts'`],
  ['src/stores/a.ts', `import '../engines/engine.ts'`],
  ['src/stores/b.ts', `import '../snapshots/manifest.ts'`],
  ['src/stores/c.ts', `import '../core/answers.ts'`],
  ['src/snapshots/a.ts', `import '../engines/postgresql.ts'`],
  ['src/snapshots/b.ts', `import '../stores/folder.ts'`],
  ['src/snapshots/c.ts', `import '../runtimes/runtime.ts'`],
  ['src/snapshots/d.ts', `import '../project/catalog.ts'`],
  ['src/snapshots/e.ts', `import { thing } from '../engines/engine.ts'`],
  ['src/project/a.ts', `import '../snapshots/manifest.ts'`],
  ['src/project/b.ts', `import '../core/answers.ts'`],
  ['src/project/c.ts', `import { thing } from '../engines/engine.ts'`],
  ['src/project/d.ts', `import { thing } from '../runtimes/runtime.ts'`],
  ['src/project/e.ts', `import type { Thing } from '../engines/postgresql.ts'`],
  ['src/core/a.ts', `import { postgresql } from '../engines/postgresql.ts'`],
  ['src/core/b.ts', `import type { Thing } from '../runtimes/native.ts'`],
  ['src/core/c.ts', `export * from '../stores/folder.ts'`],
  ['src/core/d.ts', `export const lazily = () => import('../engines/sqlite.ts')`],
  ['src/core/e.ts', `import '../parts.ts'`],
  ['src/core/f.ts', `import '../cli/main.ts'`],
  ['src/core/g.ts', `import '../index.ts'`],
  ['src/core/h.ts', `import '../base/../engines/sqlite.ts'`],
  ['src/core/i.ts', `import './../engines/sqlite.ts'`],
  ['src/core/j.ts', `import '../../src/engines/sqlite.ts'`],
  ['src/core/verbs/a.ts', `import '../../engines/sqlite.ts'`],
  ['src/cli/a.ts', `import '../core/answers.ts'`],
  ['src/cli/b.ts', `import '../base/errors.ts'`],
  ['src/cli/c.ts', `import '../parts.ts'`],
  ['src/cli/d.ts', `import 'hayai'`],
  ['src/cli/commands/a.ts', `import '../../core/answers.ts'`],
  ['src/cli/commands/b.ts', `import '../../base/errors.ts'`],
  ['src/cli/commands/c.ts', `import type { Thing } from '../../snapshots/manifest.ts'`],
  ['src/studio/a.ts', `import '../core/answers.ts'`],
  ['src/studio/b.ts', `import '../cli/main.ts'`],
  ['src/a.ts', `import './cli/main.ts'`],
  ['src/parts.ts', `import './cli/main.ts'`],
]

const INLINE = ['src/core/inline.ts', `export type Thing = import('../engines/sqlite.ts').Thing`] as const

const ALLOWED: readonly (readonly [file: string, statement: string])[] = [
  ['src/base/ok.ts', `import 'node:fs/promises'\nimport './errors.ts'`],
  ['src/engines/ok.ts', `import 'pg'\nimport 'node:fs'\nimport '../base/errors.ts'\nimport './engine.ts'`],
  ['src/engines/redis/ok.ts', `import './other.ts'\nimport '../engine.ts'\nimport '../../base/errors.ts'`],
  ['src/engines/postgresql.ts', `import './postgresql/sql.ts'\nimport './engine.ts'`],
  ['src/runtimes/ok.ts', `import '../engines/engine.ts'\nimport './runtime.ts'\nimport '../base/exec.ts'`],
  ['src/runtimes/native/ok.ts', `import '../runtime.ts'\nimport '../../engines/engine.ts'\nimport '../../base/exec.ts'`],
  ['src/stores/ok.ts', `import './store.ts'\nimport '../base/files.ts'`],
  ['src/snapshots/ok.ts', `import type { Census } from '../engines/engine.ts'\nimport '../stores/store.ts'\nexport type T = Census`],
  ['src/project/ok.ts', `import type { Settings } from '../engines/engine.ts'\nexport type T = Settings`],
  [
    'src/core/ok.ts',
    `import '../engines/engine.ts'\nimport '../stores/store.ts'\nimport '../project/ok.ts'\nimport '../snapshots/manifest.ts'`,
  ],
  ['src/cli/ok.ts', `import '../index.ts'\nimport '@clack/prompts'\nimport './output.ts'`],
  ['src/cli/commands/ok.ts', `import '../../index.ts'\nimport '../output.ts'`],
]

interface Finding {
  readonly code: string
  readonly filename: string
  readonly severity: string
}

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hayai-arrows-'))
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** Lints a tree that has this project's rules and holds these files and nothing else. */
async function lint(tree: string, files: readonly (readonly [string, string])[]): Promise<readonly Finding[]> {
  const root = join(folder, tree)
  if (new Set(files.map(([path]) => path)).size < files.length) throw new Error('two of the files have the same name')
  for (const [path, statement] of files) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), `${statement}\n`)
  }
  for (const name of ['oxlint.config.ts', 'tsconfig.json', 'package.json']) await cp(join(ROOT, name), join(root, name))
  await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'))
  return findings(root)
}

function findings(root: string): readonly Finding[] {
  const ran = spawnSync(join(ROOT, 'node_modules', '.bin', 'oxlint'), ['--format', 'json'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  const report = JSON.parse(ran.stdout) as { diagnostics: Finding[]; number_of_files: number }
  if (report.number_of_files === 0) throw new Error('the lint looked at no file')
  if ((ran.status === 0) !== (report.diagnostics.length === 0))
    throw new Error(`exit ${ran.status} with ${report.diagnostics.length} findings`)
  return report.diagnostics
}

describe('what is forbidden', () => {
  let found: readonly Finding[]

  beforeAll(async () => {
    found = await lint('forbidden', [...FORBIDDEN, INLINE])
  })

  it.each(FORBIDDEN)('%s may not say: %s', (file) => {
    expect(found).toContainEqual(expect.objectContaining({ filename: file, code: RULE, severity: 'error' }))
  })

  it('fails on an inline import type, which that rule does not see', () => {
    expect(found).toContainEqual(expect.objectContaining({ filename: INLINE[0], severity: 'error' }))
  })
})

it('lets every allowed arrow pass', async () => {
  const found = await lint('allowed', ALLOWED)
  expect(found.filter(({ code }) => code === RULE)).toEqual([])
})

it('holds in the sources as they are', () => {
  expect(findings(ROOT).filter(({ code }) => code === RULE)).toEqual([])
})
