// Runs a plan and kills itself, as `kill -9` would, when a stage begins: `node doomed-plan.ts <root> <plan> <stage>`.

import { openProject, type Progress } from '../../src/index.ts'

const [root = '', plan = '', moment = ''] = process.argv.slice(2)
const project = await openProject({ cwd: root })
const onProgress = ({ stage }: Progress): void => void (stage === moment && process.kill(process.pid, 'SIGKILL'))
await project.runPlan({ plan }, { onProgress })
console.log('survived')
