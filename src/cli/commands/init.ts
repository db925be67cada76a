// hayai init: one database by name, or all that `.hayaidb` declares.

import { engines, HayaiError, type InitAnswer, type ScriptsAnswer } from '../../index.ts'
import { CHANGING } from '../arguments.ts'
import { command, given, type Session } from '../command.ts'
import type { Style } from '../output.ts'
import { count, place } from '../wording.ts'
import { oneLine } from './views.ts'

export const init = command({
  about:
    'Makes a new database and writes it into .hayaidb; the folder becomes a project if it is none yet. With --config alone it ' +
    'creates everything the file declares that is not there yet, and changes nothing that is. On a terminal it asks for what is ' +
    'missing.',
  positionals: {},
  flags: {
    name: { kind: 'text', short: 'n', value: 'NAME', brief: 'The name of the database: small letters, digits, - and _' },
    engine: { kind: 'text', short: 'e', value: 'ENGINE', brief: 'What kind of database it is', proposes: 'engines' },
    port: { kind: 'whole', short: 'p', value: 'PORT', brief: 'The port of its server; a free one from 5000 to 6000 when not given' },
    version: { kind: 'text', value: 'VERSION', brief: 'The version of its server, such as 15' },
    file: { kind: 'text', value: 'PATH', brief: 'A database file to adopt as it is', proposes: 'files' },
    runtime: {
      kind: 'text',
      value: 'RUNTIME',
      brief: 'Where it lives: native (a server of this machine), embedded (a file) or compose (Docker); native or embedded when not given',
      proposes: ['native', 'embedded', 'compose'],
    },
    container: { kind: 'text', value: 'NAME', brief: 'A container that others made, to adopt as it is' },
    config: { kind: 'text', value: 'FILE', brief: 'The file that declares the databases', proposes: 'files' },
    scripts: { kind: 'switch', brief: 'Put scripts/db-lifecycle.sh into the project; alone, or with a database' },
    'exists-ok': { kind: 'switch', brief: 'It is fine when there is such a database already' },
    ...CHANGING,
  },
  examples: {
    'hayai init -n mydb -e postgresql': 'a PostgreSQL server of its own, on a free port',
    'hayai init -n notes -e sqlite --file ./notes.db': 'a SQLite file that is there already',
    'hayai init -n mydb -e postgresql --runtime compose': 'in a container, written to docker-compose.yml',
    'hayai init -n users -e postgresql --container users-db-db-1': 'a container that runs already',
    'hayai init --config .hayaidb': 'all that the file declares',
    'hayai init --scripts': 'scripts/db-lifecycle.sh: backup, restore and status of everything',
  },
  failures: ['CONFIG_INVALID', 'CONFLICT', 'ENVIRONMENT'],
  async run({ flags, session }) {
    const { config, 'dry-run': dryRun } = flags
    const only = flags.scripts && config === undefined && flags.name === undefined && flags.engine === undefined
    if (only) return scriptsSaid(await (await session.open({ create: true })).installScripts({ dryRun }))
    // What is wrong with the line is told before a project is looked for.
    if (config !== undefined && flags.name === undefined) {
      const project = await session.open({ config })
      if (flags.scripts) await project.installScripts({ dryRun })
      return said(await project.initDeclared({ dryRun }, session.watch))
    }
    const { name, engine } = await nameAndEngine(flags, session)
    const optional = given({
      port: flags.port,
      version: flags.version,
      file: flags.file,
      runtime: flags.runtime,
      container: flags.container,
    })
    const project = await session.open(config === undefined ? { create: true } : { config })
    if (flags.scripts) await project.installScripts({ dryRun })
    return said(await project.init({ name, engine, ...optional, existsOk: flags['exists-ok'], dryRun }, session.watch))
  },
})

interface Wanted {
  readonly name: string | undefined
  readonly engine: string | undefined
  readonly yes: boolean
}

async function nameAndEngine(wanted: Wanted, session: Session): Promise<{ name: string; engine: string }> {
  const { name, engine } = wanted
  if (name !== undefined && engine !== undefined) return { name, engine }
  if (session.interactive && !wanted.yes) {
    const { askText, askChoice } = await import('../questions.ts')
    return {
      name: name ?? (await askText('What shall the database be called?', 'mydb', session)),
      engine: engine ?? (await askChoice('Which kind of database?', choices(), session)),
    }
  }
  const known = engines().map((each) => each.name)
  throw new HayaiError('USAGE', `hayai init needs ${name === undefined ? 'a name (-n)' : 'an engine (-e)'}`, {
    hint:
      name === undefined
        ? 'Write `hayai init -n mydb -e sqlite`, or `hayai init --config .hayaidb` for all that it declares.'
        : `Write \`hayai init -n ${name} -e ${known[0]}\`; there are: ${known.join(', ')}.`,
  })
}

function choices(): readonly { value: string; label: string }[] {
  return engines().map(({ name, title }) => ({ value: name, label: title }))
}

function scriptsSaid(answer: ScriptsAnswer) {
  const { installed, present, dryRun } = answer
  const text = (style: Style): string =>
    [
      ...installed.map((file) => `${dryRun ? 'would put in' : `${style.good('✓')} put in`} ${place(file)}`),
      ...present.map((file) => `${style.dim('· there already: ')}${place(file)}`),
      ...(dryRun ? ['Nothing was changed.'] : []),
    ].join('\n')
  return { data: answer, text }
}

function said(answer: InitAnswer) {
  return { data: answer, text: (style: Style) => initText(answer, style) }
}

function initText({ created, present, dryRun }: InitAnswer, style: Style): string {
  const lines = created.map((view) =>
    dryRun ? `would create ${oneLine(view, style)}` : `${style.good('✓')} created ${oneLine(view, style)}`,
  )
  if (created.length === 0)
    lines.push(present.length === 1 ? 'Nothing to create.' : `Nothing to create: ${count(present.length, 'database')} there.`)
  lines.push(...present.map((view) => style.dim('· there already: ') + oneLine(view, style)))
  const stopped = created.filter(({ status }) => status === 'stopped').map(({ name }) => name)
  const [first] = created
  if (dryRun) lines.push('Nothing was changed.')
  else if (stopped.length > 0) lines.push(`  start: hayai start ${stopped.join(' ')}`)
  else if (first !== undefined) lines.push(`  connect: hayai connect ${first.name}`)
  return lines.join('\n')
}
