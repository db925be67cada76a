// Takes a snapshot and is killed while the server is stopped: `doomed-at-rest.ts ROOT DATABASE`.

import { openWith } from '../../src/core/open.ts'
import { parts } from '../../src/parts.ts'
import { composeRuntime } from '../../src/runtimes/compose.ts'
import { nativeRuntime } from '../../src/runtimes/native.ts'

const [, , root = '', database = ''] = process.argv
const at = (moment: string): void => void (moment === 'at rest' && process.kill(process.pid, 'SIGKILL'))
const runtimes = { ...parts.runtimes, native: nativeRuntime({ at }), compose: composeRuntime({ at }) }
const project = await openWith({ ...parts, runtimes }, { cwd: root })
await project.snapshot({ database })
