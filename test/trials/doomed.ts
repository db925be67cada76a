// Runs one verb and kills itself, as `kill -9` would, at the moment it is told: `node doomed.ts <root> <verb> <moment> <reference> [format]`.
// In place of a format, an upgrade has a version.
// A moment is the name of a stage, or `bytes:<n>`: when n bytes have passed. Prints `survived` when that moment never came.

import { openProject, type Progress } from '../../src/index.ts'

const [root = '', verb = '', moment = '', reference = '', format = ''] = process.argv.slice(2)
const project = await openProject({ cwd: root })
const onProgress = ({ stage, bytes }: Progress): void => {
  const now = moment.startsWith('bytes:') ? (bytes ?? -1) >= Number(moment.slice(6)) : stage === moment
  if (now) process.kill(process.pid, 'SIGKILL')
}
if (verb === 'snapshot') await project.snapshot({ database: reference, format }, { onProgress })
if (verb === 'restore') await project.restore({ reference, latest: true }, { onProgress })
if (verb === 'verify') await project.verify({ reference, latest: true }, { onProgress })
if (verb === 'undo') await project.undo(reference, {}, { onProgress })
if (verb === 'upgrade') await project.upgrade({ database: reference, version: format }, { onProgress })
if (verb === 'clone') await project.clone({ from: reference, to: 'branch' }, { onProgress })
console.log('survived')
