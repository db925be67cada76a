// Puts pieces in, or takes them back, and tells each stage, for whoever is to kill it: `doomed-pieces.ts ROOT restore|undo REQUEST`.

import { openProject, type PiecesRequest, type Progress } from '../../src/index.ts'

const [root = '', verb = '', request = ''] = process.argv.slice(2)
const project = await openProject({ cwd: root })
const onProgress = ({ stage }: Progress): void => console.log(stage)
if (verb === 'restore') await project.restorePieces(JSON.parse(request) as PiecesRequest, { onProgress })
if (verb === 'undo') await project.undo(request, {}, { onProgress })
console.log('survived')
