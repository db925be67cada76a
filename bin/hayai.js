#!/usr/bin/env node
// The door of the command line: nothing is loaded before it is known that this Node can run it, and nothing at all for --version.

const NEEDED = 24
const [, , first, second] = process.argv

if (Number.parseInt(process.versions.node, 10) < NEEDED) void import('./older.js').then((older) => older.onAnotherNode(NEEDED))
else if ((first === '--version' || first === '-v') && second === undefined) process.stdout.write(version() + '\n')
else run()

// Compression works in libuv's threads, of which there are four unless it is said before the first of them begins.
function run() {
  process.env.UV_THREADPOOL_SIZE ??= String(Math.min(9, Math.max(4, process.getBuiltinModule('node:os').availableParallelism() + 2)))
  process.getBuiltinModule('node:module').enableCompileCache()
  import('../dist/main.js').then((program) => program.main(process.argv.slice(2), version()), notBuilt)
}

function version() {
  const { readFileSync } = process.getBuiltinModule('node:fs')
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version
}

function notBuilt(/** @type {unknown} */ error) {
  if (!(error instanceof Error) || error.code !== 'ERR_MODULE_NOT_FOUND') throw error
  process.stderr.write(`error: Hayai has not been built: ${error.message}\nhint: Run \`npm run build\` in its checkout.\n`)
  process.exitCode = 6
}
