// What the references in `environment:` stand for. The login's password is asked for once, when the database is made: what the server was
// made with is kept, and no command after that needs the backend for it.

import { HayaiError, isCode } from '../../base/errors.ts'
import { Secret } from '../../base/secret.ts'
import type { Engine, Settings } from '../../engines/engine.ts'
import { SECRET_KEY } from '../../project/redact.ts'
import { filled, isReference, secretIn } from '../../project/references.ts'
import type { Context } from '../context.ts'
import { backendOf, checkSecretName } from './backend.ts'

type Environment = Readonly<Record<string, string>>

/** `made`: the database has its login, and what that was declared as is not needed any more. */
export async function resolved(
  context: Context,
  database: string,
  { engine, environment, made }: { readonly engine: Engine; readonly environment: Environment; readonly made: boolean },
): Promise<Environment> {
  const references = Object.entries(environment).filter(([, value]) => isReference(value))
  if (references.length === 0) return environment
  const marked = new Map(references.map(([variable], at) => [variable, `hayai-reference-${at}`]))
  const probe = probed(engine, { ...environment, ...Object.fromEntries(marked) })
  const result: Record<string, string> = { ...environment }
  for (const [variable, value] of references) {
    const mark = marked.get(variable)
    const isLogin = probe?.password.reveal() === mark
    const hidden = isLogin || Object.values(probe?.secrets ?? {}).some((secret) => secret.reveal() === mark)
    const name = secretIn(value)
    // A variable whose name says so is a secret too.
    if (!hidden && (name !== undefined || SECRET_KEY.test(variable))) throw wouldShow(database, variable)
    if (made && isLogin) result[variable] = ''
    else
      result[variable] =
        name === undefined ? fromEnvironment(database, variable, value) : await fromBackend(context, database, variable, name)
  }
  return result
}

/** What the engine makes of it, to see where each goes; undefined when it takes no text in one of these places. */
function probed(engine: Engine, environment: Environment): Settings | undefined {
  try {
    return engine.settings(environment, new Secret(''))
  } catch (error) {
    if (isCode(error, 'CONFIG_INVALID')) return undefined
    throw error
  }
}

function wouldShow(database: string, variable: string): HayaiError {
  return new HayaiError(
    'CONFIG_INVALID',
    `${variable} of "${database}" cannot be a secret: it would stand in the arguments of its server, or in docker-compose.yml`,
    {
      hint: 'The passwords that the engine knows can be secrets; for what may be seen use a variable: "${NAME}".',
    },
  )
}

function fromEnvironment(database: string, variable: string, value: string): string {
  const { text, missing } = filled(value, process.env)
  if (missing.length === 0) return text
  throw new HayaiError('ENVIRONMENT', `${missing.join(' and ')} is not set, for which ${variable} of "${database}" stands`, {
    hint: `Set it where Hayai is started: export ${missing[0]}=...`,
  })
}

async function fromBackend(context: Context, database: string, variable: string, name: string): Promise<string> {
  const backend = await backendOf(context)
  const value = await backend.read(checkSecretName(name))
  if (value !== undefined) return value.reveal()
  throw new HayaiError('NOT_FOUND', `there is no secret "${name}" in ${backend.place}, for which ${variable} of "${database}" stands`, {
    hint:
      backend.name === 'env' ? `export HAYAI_SECRET_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}=...` : `hayai secrets set ${name}`,
  })
}
