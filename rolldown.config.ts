// The build: the command line and the library as one bundle of lazily loaded pieces, with everything inside that they import,
// and the licences of what is inside.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig, type InputOptions, type Plugin } from 'rolldown'

/** What is the same for the bundle of the tests' programs. */
export const HOW = {
  platform: 'node',
  // pg asks for it only when a program chooses it, and Hayai does not.
  external: ['pg-native'],
  // No module of Hayai does anything by being imported, so what is only re-exported need not be loaded.
  treeshake: { moduleSideEffects: [{ test: /[/\\]src[/\\]/, sideEffects: false }] },
} satisfies InputOptions

export default defineConfig({
  ...HOW,
  input: {
    main: 'src/cli/main.ts',
    index: 'src/index.ts',
    'sqlite-child': 'src/engines/sqlite/child.ts',
    'duckdb-child': 'src/engines/duckdb/child.ts',
  },
  output: {
    dir: 'dist',
    format: 'esm',
    cleanDir: true,
    minify: false,
    chunkFileNames: 'chunks/[name]-[hash].js',
  },
  plugins: [licences()],
})

/** Writes dist/LICENSES.txt: each package that is inside, with the text of its licence. A package without one stops the build. */
function licences(): Plugin {
  return {
    name: 'licences',
    generateBundle(_options, bundle) {
      const modules = Object.values(bundle).flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []))
      const folders = new Set(modules.filter((id) => id.includes('/node_modules/')).map((id) => packageFolder(id)))
      const texts = [...folders].toSorted().map((folder) => licenceOf(folder))
      this.emitFile({ type: 'asset', fileName: 'LICENSES.txt', source: texts.join(`\n${'-'.repeat(80)}\n\n`) })
    },
  }
}

function packageFolder(module: string): string {
  const at = module.lastIndexOf('/node_modules/') + '/node_modules/'.length
  const [scope = '', name = ''] = module.slice(at).split('/')
  return module.slice(0, at) + (scope.startsWith('@') ? `${scope}/${name}` : scope)
}

function licenceOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>
  const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry))
  if (typeof license !== 'string' || license === '') throw new Error(`${folder} does not say its licence`)
  const text = file === undefined ? statedIn(folder) : readFileSync(join(folder, file), 'utf8').trim()
  return `${String(name)} ${String(version)} (${license})\n\n${text}\n`
}

/** Some packages keep the text in their README. */
function statedIn(folder: string): string {
  const readme = readdirSync(folder).find((entry) => /^readme/i.test(entry))
  const text = readme === undefined ? '' : readFileSync(join(folder, readme), 'utf8')
  const at = text.search(/^#+\s*licen[cs]e/im)
  if (at !== -1) return text.slice(at).replace(/^.*\n/, '').trim()
  throw new Error(`${folder} holds no text of its licence`)
}
