#!/usr/bin/env node
// The door of the command line. Plain old syntax, so that a Node of any age can at least read it and say what it lacks.
'use strict'

var NEEDED = 24

if (parseInt(process.versions.node, 10) < NEEDED) onAnotherNode()
else if (isVersion(process.argv)) process.stdout.write(version() + '\n')
else run()

function isVersion(argv) {
  return argv.length === 3 && (argv[2] === '--version' || argv[2] === '-v')
}

function version() {
  return require('../package.json').version
}

function run() {
  require('node:module').enableCompileCache()
  import('../dist/main.js').then(
    function (program) {
      return program.main(process.argv.slice(2), version())
    },
    function (error) {
      if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
      process.stderr.write('error: Hayai has not been built: ' + error.message + '\nhint: Run `npm run build` in its checkout.\n')
      process.exitCode = 6
    },
  )
}

// A checkout has a Node of its own, which `npx` uses; this finds it when the program is called by its path.
function onAnotherNode() {
  var path = require('path')
  var own = path.join(__dirname, '..', 'node_modules', 'node', 'bin', 'node')
  if (!require('fs').existsSync(own)) {
    process.stderr.write(
      'error: Hayai needs Node ' + NEEDED + ' or newer, and this is Node ' + process.versions.node + ' (' + process.execPath + ')\n',
    )
    process.exitCode = 6
    return
  }
  var child = require('child_process').spawn(own, process.execArgv.concat(process.argv.slice(1)), { stdio: 'inherit' })
  // The terminal tells the child of Ctrl-C itself; what is sent to this process alone is handed on.
  process.on('SIGINT', function () {})
  ;['SIGTERM', 'SIGHUP'].forEach(function (name) {
    process.on(name, function () {
      child.kill(name)
    })
  })
  child.on('exit', function (code, signal) {
    process.exitCode = code === null ? 128 + require('os').constants.signals[signal] : code
  })
}
