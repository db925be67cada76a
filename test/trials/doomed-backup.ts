// Runs one verb of whole backups and kills itself, as `kill -9` would, when a stage begins: `node doomed-backup.ts <root> <verb> <stage>
// [backup]`. Prints `survived` when that stage never came.

import { openProject, type Progress } from '../../src/index.ts'

const [root = '', verb = '', moment = '', reference] = process.argv.slice(2)
const project = await openProject({ cwd: root, create: true })
const onProgress = ({ stage }: Progress): void => void (stage === moment && process.kill(process.pid, 'SIGKILL'))
if (verb === 'backup') await project.backup({}, { onProgress })
if (verb === 'restore') await project.restoreBackup(reference === undefined ? {} : { reference }, { onProgress })
if (verb === 'undo') await project.undoAll({}, { onProgress })
console.log('survived')
