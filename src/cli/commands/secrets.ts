// hayai secrets, and the way to its subcommands: values that .hayaidb names and does not hold.

import { text as textOf } from 'node:stream/consumers'
import { HayaiError, Secret, type SecretsAnswer } from '../../index.ts'
import { CHANGING } from '../arguments.ts'
import { command, type Session } from '../command.ts'
import type { Style } from '../output.ts'
import { place, table } from '../wording.ts'

const definition = {
  about:
    'A value of `environment:` can be `secret:NAME`. The value itself is kept in the environment (HAYAI_SECRET_NAME), in a file of age that is ' +
    'encrypted for the recipients of the project, or in HashiCorp Vault or OpenBao, as `secrets_backend` of .hayaidb says.',
  positionals: {},
  flags: {},
  examples: {
    'hayai secrets set db-password': 'asks for the value, which does not show',
    'hayai secrets list': 'their names, and who uses them',
  },
  failures: ['NOT_FOUND', 'CONFIG_INVALID', 'ENVIRONMENT'],
} as const

const list = command({ ...definition, run: ({ session }) => session.open().then(async (project) => shown(await project.secrets())) })

export const secrets = command({
  ...definition,
  subcommands: {
    set: { brief: 'Keep a value, asked for or from standard input', load: async () => set },
    list: { brief: 'List names and uses; no value is shown', load: async () => list },
    remove: { brief: 'Remove one', load: async () => remove },
  },
  run: ({ session }) => session.open().then(async (project) => shown(await project.secrets())),
})

const set = command({
  about:
    'Keeps a value under a name. It is asked for and does not show; where there is no terminal it is all of standard input, but for one line ' +
    'break at its end. It is never an argument, which every user of the machine could read.',
  positionals: { name: { brief: 'the name, as in `secret:NAME`' } },
  flags: { ...CHANGING },
  examples: {
    'hayai secrets set db-password': 'asks for it',
    'pass show shop/db | hayai secrets set db-password': 'from another program',
  },
  failures: ['USAGE', 'CONFIG_INVALID', 'NOT_FOUND', 'CONFLICT', 'ENVIRONMENT', 'STORE_FAILED'],
  async run({ args, flags, session }) {
    const project = await session.open()
    const value = await valueFor(args.name, session)
    const answer = await project.setSecret({ name: args.name, value, dryRun: flags['dry-run'] })
    const { name, replaced, dryRun } = answer
    const what = `${name} in ${placeOf(answer)}`
    return {
      data: answer,
      text: (style) => {
        if (dryRun) return `would ${replaced ? 'replace' : 'keep'} ${what}\nNothing was changed.`
        return `${style.good('✓')} ${replaced ? 'replaced' : 'kept'} ${what}\n  use it in .hayaidb: "secret:${name}"`
      },
    }
  },
})

const MOST = 64 * 1024

async function valueFor(name: string, session: Session): Promise<Secret> {
  if (process.stdin.isTTY) {
    if (session.interactive) return (await import('../questions.ts')).askSecret(name, session)
    throw new HayaiError('USAGE', 'the value of a secret comes from standard input', {
      hint: `printf %s "$VALUE" | hayai secrets set ${name}`,
    })
  }
  const text = await textOf(process.stdin)
  if (text.length > MOST) throw new HayaiError('USAGE', `the value is longer than ${MOST} bytes`)
  return new Secret(text.replace(/\r?\n$/, ''))
}

const remove = command({
  about: 'Removes a secret from its backend, and tells how it can be had back. A database that was made with it goes on with it.',
  positionals: { name: { brief: 'the name' } },
  flags: { ...CHANGING },
  examples: { 'hayai secrets remove db-password --dry-run': 'whether it is there' },
  failures: ['USAGE', 'CONFIG_INVALID', 'NOT_FOUND', 'CONFLICT', 'ENVIRONMENT', 'STORE_FAILED'],
  async run({ args, flags, session }) {
    const project = await session.open()
    const answer = await project.removeSecret({ name: args.name, dryRun: flags['dry-run'] })
    return {
      data: answer,
      text: (style) =>
        answer.dryRun
          ? `would remove ${answer.name} from ${placeOf(answer)}\nNothing was changed.`
          : `${style.good('✓')} removed ${answer.name} from ${placeOf(answer)}\n  ${answer.undo}`,
    }
  },
})

function shown(answer: SecretsAnswer) {
  return { data: answer, text: (style: Style) => listText(answer, style) }
}

/** A file as people see it from here; an address as it is. */
function placeOf({ backend, place: where }: Pick<SecretsAnswer, 'backend' | 'place'>): string {
  return backend === 'file' ? place(where) : where
}

function listText(answer: SecretsAnswer, style: Style): string {
  const { names, uses } = answer
  const where = placeOf(answer)
  const all = [...new Set([...names, ...uses.map(({ name }) => name)])].toSorted()
  if (all.length === 0) return `There are no secrets in ${where}. Keep one: hayai secrets set NAME`
  const rows = all.map((name) => {
    const of = uses.filter((use) => use.name === name)
    return [
      name,
      names.includes(name) || of.some(({ there }) => there) ? 'yes' : 'NO',
      of.map(({ database, variable }) => `${variable} of ${database}`).join(', '),
    ]
  })
  return [table(['NAME', 'THERE', 'USED AS'], rows, style), `  in ${where}`].join('\n')
}
