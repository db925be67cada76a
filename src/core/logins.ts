// Users and passwords that are among the data come along with a copy of it. What Hayai knows of the login follows: it is that of the
// database which the data is of, as long as that data is the live one. Where Hayai cannot know it, that is said.

import type { Engine, Format, Settings } from '../engines/engine.ts'
import { readCatalog } from '../project/catalog.ts'
import { keepSecret, readSecret, type Login } from '../project/secrets.ts'
import { assemble, type Context, type Database } from './context.ts'
import { hasItsLogin } from './other-login.ts'

/** What is brought into a database, and of which one it is. */
export interface Coming {
  readonly engine: Engine
  readonly format: Format
  readonly from: string
  /** null for one that is copied as it lives, and for a file that does not tell. */
  readonly instant: string | null
}

/** The login that comes with it; undefined where none does, or where it is not known here. */
export async function loginWith(context: Context, coming: Coming): Promise<Pick<Settings, 'user' | 'password' | 'database'> | undefined> {
  if (!brings(coming)) return undefined
  const record = (await readCatalog(context.root)).databases[coming.from]
  if (record?.engine !== coming.engine.name) return undefined
  if (coming.instant !== null && coming.instant < record.created) return undefined // of another one, which had that name
  const { user, password, database } = (await assemble(context, coming.from, record)).placement.settings
  return { user, password, database }
}

/** To be called before a twin of that name is made the live data. What there is to say of its login, in whole sentences. */
export async function followLogin(context: Context, goal: Database, twin: string, coming: Coming): Promise<readonly string[]> {
  if (!brings(coming)) return []
  const { name, engine } = goal
  const login = await loginWith(context, coming)
  const made = await readSecret(context.root, name)
  if (made === undefined) return []
  const { [twin]: _, ...others } = made.generations ?? {}
  const differs = login !== undefined && !alike(login, made)
  await keepSecret(context.root, name, { ...made, generations: differs ? { ...others, [twin]: login } : others })
  if (login === undefined) {
    return [
      `Users and passwords are among the data of ${engine.title}: those of "${name}" are now as they were where its data is from, and Hayai does ` +
        `not know here whether \`hayai connect ${name}\` tells them. If not, write the right ones into ${context.paths.secretFile(name)}.`,
    ]
  }
  if (!differs || coming.from === name) return []
  return [
    `Users and passwords are among the data of ${engine.title}: "${name}" now has those of "${coming.from}", and \`hayai connect ${name}\` tells them.`,
  ]
}

function brings({ engine, format }: Coming): boolean {
  return hasItsLogin(engine) && format.kind === 'physical'
}

function alike(one: Login, other: Login): boolean {
  return one.user === other.user && one.database === other.database && one.password.equals(other.password)
}
