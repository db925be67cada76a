// What the lint asks of every file, and the arrows between the rooms: who may import what. test/house/arrows.test.ts proves the arrows.

import { defineConfig, type OxlintOverride } from 'oxlint'

interface Room {
  readonly name: string
  readonly why: string
  /** What the room may import besides itself, as paths from src/. `types`: only their types. */
  readonly sees: readonly string[]
  readonly types?: readonly string[]
  /** Its own folders, which may look into each other. */
  readonly folders?: readonly string[]
}

const DOOR = 'It sees the door of the library (index.ts) and nothing behind it.'

const ROOMS: readonly Room[] = [
  { name: 'runtimes', why: 'Runtimes see base, each other and the contract of an engine.', sees: ['base/**', 'engines/engine.ts'] },
  { name: 'stores', why: 'Stores see base and each other.', sees: ['base/**'] },
  {
    name: 'snapshots',
    why: 'snapshots sees base, the contract of a store and the types of an engine.',
    sees: ['base/**', 'stores/store.ts'],
    types: ['engines/engine.ts'],
  },
  {
    name: 'project',
    why: 'project sees base and the types of engines and runtimes.',
    sees: ['base/**'],
    types: ['engines/engine.ts', 'runtimes/runtime.ts'],
  },
  {
    name: 'core',
    why: 'core sees base, snapshots, project and the contracts: never a concrete engine, runtime or store.',
    sees: ['base/**', 'snapshots/**', 'project/**', 'engines/engine.ts', 'runtimes/runtime.ts', 'stores/store.ts'],
    folders: ['backup', 'news', 'schedule', 'secrets'],
  },
  { name: 'cli', why: DOOR, sees: ['index.ts'] },
  { name: 'studio', why: DOOR, sees: ['index.ts'] },
]

/** Ways around the patterns below, which look at a path as it is written. */
const CROOKED = {
  regex: String.raw`^/|^\.{1,2}/?$|^\./\.\.|[^./][^/]*/\.\.(/|$)|^hayai(/|$)`,
  message: 'Write the straight relative path.',
}

interface Pattern {
  readonly group?: string[]
  readonly regex?: string
  readonly allowTypeImports?: boolean
  readonly message: string
}

function arrows(files: string, ...patterns: readonly Pattern[]): OxlintOverride {
  return { files: [files], rules: { 'no-restricted-imports': ['error', { patterns: [CROOKED, ...patterns] }] } }
}

/** The files of a room, and of the folders inside it, which are one step further away. */
function roomArrows({ name, why, sees, types = [], folders = [] }: Room): OxlintOverride[] {
  return [
    { files: `src/${name}/*.ts`, up: '../', own: [] },
    { files: `src/${name}/*/**`, up: '../../', own: ['!../*.ts', ...folders.map((folder) => `!../${folder}/*.ts`)] },
  ].map(({ files, up, own }) =>
    arrows(
      files,
      ...types.map((path) => ({ regex: `^${(up + path).replaceAll('.', String.raw`\.`)}$`, allowTypeImports: true, message: why })),
      { group: ['../**', ...own, ...[...sees, ...types].map((path) => `!${up}${path}`)], message: why },
    ),
  )
}

/** Engines that keep files of their own, and the folder they keep them in. */
const ENGINES_WITH_FOLDERS = {
  postgresql: 'postgresql',
  sqlite: 'sqlite',
  duckdb: 'duckdb',
  redis: 'redis',
  valkey: 'redis',
  mariadb: 'mariadb',
  mysql: 'mariadb',
  catalogue: 'catalogue',
}
const ENGINES = 'An engine sees base and engine.ts: never another engine, nor where it runs.'
const PARTS = 'parts.ts lists engines, runtimes and stores; it knows no verb and no face.'
const TYPED = ['argument', 'assignment', 'call', 'member-access', 'return'] as const
const REAL = 'Tests stand on real things.'

export default defineConfig({
  plugins: ['typescript', 'unicorn', 'oxc', 'import', 'promise', 'node'],
  categories: { correctness: 'error', suspicious: 'error' },
  options: { typeAware: true, denyWarnings: true, reportUnusedDisableDirectives: 'error', respectEslintDisableDirectives: false },
  ignorePatterns: ['dist', 'dist-tests', 'coverage', 'node_modules'],
  rules: {
    // Promises, and what they carry.
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/await-thenable': 'error',
    'typescript/return-await': ['error', 'in-try-catch'],
    'typescript/only-throw-error': 'error',
    'typescript/prefer-promise-reject-errors': 'error',
    'typescript/use-unknown-in-catch-callback-variable': 'error',
    'promise/always-return': 'off',
    'unicorn/prefer-top-level-await': 'off',

    // Types that hold.
    'typescript/no-explicit-any': 'error',
    'typescript/no-non-null-assertion': 'error',
    'typescript/no-unsafe-argument': 'error',
    'typescript/no-unsafe-assignment': 'error',
    'typescript/no-unsafe-call': 'error',
    'typescript/no-unsafe-member-access': 'error',
    'typescript/no-unsafe-return': 'error',
    'typescript/no-unsafe-function-type': 'error',
    'typescript/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    'typescript/no-deprecated': 'error',
    'typescript/ban-ts-comment': 'error',
    'typescript/restrict-plus-operands': 'error',
    'typescript/prefer-nullish-coalescing': ['error', { ignorePrimitives: { string: true }, ignoreTernaryTests: true }],
    'typescript/prefer-readonly': 'error',
    // `as` is used at checked borders; parts are objects of closures, without `this`.
    'typescript/no-unsafe-type-assertion': 'off',
    'typescript/unbound-method': 'off',
    'typescript/consistent-return': 'off',
    'typescript/no-unnecessary-type-parameters': 'off',

    // Imports.
    'typescript/consistent-type-imports': ['error', { disallowTypeAnnotations: true, fixStyle: 'separate-type-imports' }],
    'typescript/no-import-type-side-effects': 'error',
    'typescript/no-require-imports': 'error',
    'import/no-cycle': 'error',
    'import/no-duplicates': 'error',
    'import/no-default-export': 'error',
    'import/no-mutable-exports': 'error',
    'import/no-unassigned-import': 'off',
    'import/no-named-as-default-member': 'off',
    'unicorn/prefer-node-protocol': 'error',

    // Plain speech.
    'no-console': 'error',
    'no-var': 'error',
    'prefer-const': 'error',
    eqeqeq: 'error',
    'no-empty': 'error',
    'no-sequences': 'error',
    'no-param-reassign': 'error',
    'no-else-return': 'error',
    'max-lines': ['error', { max: 300 }],
    'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx'] }],
    'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' }],
    'unicorn/no-process-exit': 'error',
    'no-shadow': 'off',
    'no-control-regex': 'off',
    'no-underscore-dangle': 'off',
    'no-unmodified-loop-condition': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'unicorn/no-instanceof-builtins': 'off',
    'unicorn/prefer-add-event-listener': 'off',
    'unicorn/no-array-sort': 'off',
    'unicorn/no-array-reverse': 'off',
  },
  overrides: [
    arrows('src/base/**', { group: ['**', '!node:*', '!node:*/**', '!./*'], message: 'base imports Node only.' }),
    arrows('src/engines/*.ts', {
      group: ['../**', './*', './*/**', '!../base/**', '!./engine.ts', '!./file-recipe.ts', '!./place.ts'],
      message: ENGINES,
    }),
    ...Object.entries(ENGINES_WITH_FOLDERS).map(([name, folder]) =>
      arrows(`src/engines/${name}.ts`, {
        group: ['../**', './*', './*/**', '!../base/**', '!./engine.ts', `!./${folder}`, `!./${folder}/**`],
        message: ENGINES,
      }),
    ),
    arrows('src/engines/engine.ts', {
      group: ['../**', './*', './*/**', '!../base/**', '!./file-recipe.ts', '!./place.ts', '!./contract', '!./contract/**'],
      message: ENGINES,
    }),
    arrows('src/engines/*/**', { group: ['../**', '!../../base/**', '!../engine.ts'], message: ENGINES }),
    ...ROOMS.flatMap(roomArrows),
    arrows('src/*.ts', { group: ['../**', './cli/**', './studio/**'], message: 'The door of the library knows no face.' }),
    arrows(
      'src/parts.ts',
      { group: ['../**', './cli/**', './studio/**', './index.ts'], message: PARTS },
      { group: ['./core/**'], allowTypeImports: true, message: PARTS },
    ),
    { files: ['*.config.ts'], rules: { 'import/no-default-export': 'off' } },
    // Plain JavaScript has no types to hold it to.
    { files: ['**/*.js', '**/*.mjs'], rules: Object.fromEntries(TYPED.map((rule) => [`typescript/no-unsafe-${rule}`, 'off'])) },
    { files: ['scripts/**', 'bench/**', 'test/**'], rules: { 'no-console': 'off' } },
    {
      files: ['test/**'],
      plugins: ['typescript', 'unicorn', 'oxc', 'import', 'promise', 'node', 'vitest'],
      rules: {
        'vitest/no-focused-tests': 'error',
        // A missing server is a skip that says so in its title.
        'vitest/no-disabled-tests': 'off',
        'vitest/no-commented-out-tests': 'error',
        'vitest/no-identical-title': 'error',
        'vitest/valid-expect': ['error', { maxArgs: 2 }],
        'vitest/valid-expect-in-promise': 'error',
        'vitest/no-import-node-test': 'error',
        'vitest/no-restricted-vi-methods': ['error', { mock: REAL, doMock: REAL, fn: REAL, spyOn: REAL, stubGlobal: REAL }],
        'vitest/warn-todo': 'error',
        'vitest/no-standalone-expect': 'off',
        'vitest/no-conditional-expect': 'off',
        'vitest/hoisted-apis-on-top': 'off',
        'vitest/require-mock-type-parameters': 'off',
        'typescript/use-unknown-in-catch-callback-variable': 'off',
        'typescript/no-misused-spread': 'off',
        'max-lines': 'off',
      },
    },
  ],
})
