// A command in a process of its own, which kills itself at a moment that it is told: what `kill -9` would do, but on time.
// Run as `node command.ts <root> <port> <verb> <moment or -> <which time it comes> [adopted container]`.

import { join } from 'node:path'
import { withLock } from '../../../src/base/locks.ts'
import { composeRuntime } from '../../../src/runtimes/compose.ts'
import { ask, never, placeIn, tiny } from '../native/tiny.ts'
import { image } from './docker.ts'

const [root = '', port = '', verb = '', moment = '-', time = '1', adopted] = process.argv.slice(2)
let left = Number(time)
const runtime = composeRuntime({
  at: (now) => {
    if (now === moment && --left === 0) process.kill(process.pid, 'SIGKILL')
  },
})
const plain = placeIn(root, Number(port))
const site = runtime.site({ ...plain, container: { ...plain.container, image: image('postgres'), adopted } }, tiny)

const verbs: Record<string, () => Promise<unknown>> = {
  create: () => site.create(),
  start: () => site.start(never),
  undo: () => site.switchTo('g0001'),
  redo: () => site.switchTo('g0002'),
  drop: () => site.drop('g0002'),
  async restore() {
    const twin = await site.twin()
    await twin.wake(never)
    const target = await twin.target()
    if (target.endpoint === undefined) throw new Error('awake, and without an endpoint')
    await ask(target.endpoint, `create table t as select 'new' as v`)
    await target.close()
    await twin.swap('restored from x')
    await twin.close()
  },
}

const work = verbs[verb]
if (work === undefined) throw new Error(`no verb ${verb}`)
await withLock(join(root, 'lock'), { purpose: verb }, async () => {
  await site.recover()
  await work()
})
