// hayai validate

import type { ValidateAnswer } from '../../index.ts'
import { command, given } from '../command.ts'
import type { Style } from '../output.ts'
import { count, place, table } from '../wording.ts'
import { planLines } from './schedule-views.ts'

export const validate = command({
  about: 'Checks .hayaidb and changes nothing. A mistake is told with its line and column, and with the key that was probably meant.',
  positionals: {},
  flags: { config: { kind: 'text', value: 'FILE', brief: 'The file; that of the project when not given', proposes: 'files' } },
  examples: { 'hayai validate': 'the file of this project', 'hayai validate --config .hayaidb --json': 'for programs' },
  failures: ['CONFIG_INVALID', 'NOT_FOUND'],
  async run({ flags, session }) {
    const project = await session.open(given({ config: flags.config }))
    const answer = await project.validate()
    return { data: answer, text: (style) => validateText(answer, style) }
  },
})

function validateText({ file, project, databases, plans, certificates, warnings }: ValidateAnswer, style: Style): string {
  const lines = [`${style.good('✓')} ${place(file)} is valid: project ${style.bold(project)}, ${count(databases.length, 'database')}`]
  if (databases.length > 0) {
    const rows = databases.map(({ name, engine, exists }) => [name, engine, exists ? 'created' : 'not created yet'])
    lines.push(table(['NAME', 'ENGINE', 'STATE'], rows, style))
  }
  for (const plan of plans) lines.push(...planLines(plan, style))
  for (const { database, until } of certificates)
    lines.push(`  the certificate of ${database} ${until === null ? 'is made at its next start' : `holds until ${until.slice(0, 10)}`}`)
  lines.push(...warnings.map((warning) => `${style.warn('warning:')} ${warning}`))
  if (databases.some(({ exists }) => !exists)) lines.push(`  create what is missing: hayai init --config ${place(file)}`)
  return lines.join('\n')
}
