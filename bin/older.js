// On a Node that is too old: a checkout has a newer one of its own, to which everything is handed over; elsewhere one sentence
// says what is needed.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

export function onAnotherNode(needed) {
  const own = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))
  if (!existsSync(own)) {
    process.stderr.write(`error: Hayai needs Node ${needed} or newer, and this is Node ${process.versions.node} (${process.execPath})\n`)
    process.exitCode = 6
    return
  }
  const child = spawn(own, [...process.execArgv, ...process.argv.slice(1)], { stdio: 'inherit' })
  process.on('SIGINT', () => {}) // a terminal tells the child itself
  for (const name of ['SIGTERM', 'SIGHUP']) process.on(name, () => child.kill(name))
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal]
  })
}
