// Does one thing with a database and kills itself, as `kill -9` would, at the moment it is told:
// `node doomed.ts <root> <verb> <moment>[+<milliseconds>] <snapshot> [duckdb]`. Prints `survived` when that moment never came.

import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { duckdb } from '../../../src/engines/duckdb.ts'
import { sqlite } from '../../../src/engines/sqlite.ts'
import { restore, site, undo } from './ground.ts'

const [root = '', verb = '', when = '', snapshot = '', other = ''] = process.argv.slice(2)
const [moment = '', later = ''] = when.split('+')
const engine = other === 'duckdb' ? duckdb : sqlite
const at = (now: string): void => {
  if (now !== moment) return
  if (later === '') process.kill(process.pid, 'SIGKILL')
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), Number(later))
}
const it = site(root, undefined, at, undefined, engine)
if (verb === 'create') await it.create()
if (verb === 'restore') await restore(it, readFileSync(snapshot), undefined, engine)
if (verb === 'undo') await undo(it)
if (verb === 'drop') await it.drop('g0001')
if (later !== '') await sleep(Number(later) + 1000)
console.log('survived')
