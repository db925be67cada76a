// Passwords that Hayai made or was told, one file for each database, readable by its owner alone and outside the catalog. Where users and
// passwords are among the data, a generation that came from another database has another login than the first one.

import { rm, stat } from 'node:fs/promises'
import { HayaiError, systemCode } from '../base/errors.ts'
import { makeFolder, readIfThere, sweepPartials, writeDurably } from '../base/files.ts'
import { Secret } from '../base/secret.ts'
import { pathsOf } from './paths.ts'
import { onFile } from './refusals.ts'
import { Flaw, object, record, syntaxFlaw, text } from './shape.ts'

export interface Login {
  readonly user?: string
  readonly password: Secret
  readonly database?: string
}

export interface Credentials extends Login {
  /** Of generations whose login is another. */
  readonly generations?: Readonly<Record<string, Login>>
}

export async function keepSecret(root: string, name: string, credentials: Credentials): Promise<void> {
  const paths = pathsOf(root)
  const file = paths.secretFile(name)
  const { generations = {} } = credentials
  const shown = ({ user, password, database }: Login) => ({ user, password: password.reveal(), database })
  const others = Object.entries(generations).map(([generation, login]) => [generation, shown(login)] as const)
  const content = { ...shown(credentials), ...(others.length === 0 ? {} : { generations: Object.fromEntries(others) }) }
  await makeFolder(paths.secrets)
  await onFile(file, 'written', async () => {
    await sweepPartials(paths.secrets)
    await writeDurably(file, `${JSON.stringify(content)}\n`)
  })
}

/** undefined when none was kept. Throws WRONG_STATE when others than the owner may read it: then it is no secret. */
export async function readSecret(root: string, name: string): Promise<Credentials | undefined> {
  const file = pathsOf(root).secretFile(name)
  const found = await onFile(file, 'read', () => modeIfThere(file))
  if (found === undefined) return undefined
  if ((found & 0o077) !== 0) {
    throw new HayaiError('WRONG_STATE', `${file} holds the password of "${name}", and others than its owner may open it`, {
      hint: `Run \`chmod 600 ${file}\`.`,
    })
  }
  const content = await onFile(file, 'read', () => readIfThere(file))
  return content === undefined ? undefined : understand(content, file)
}

export async function removeSecret(root: string, name: string): Promise<void> {
  await rm(pathsOf(root).secretFile(name), { force: true })
}

// What was read is not made the cause of an error, and is not quoted: it is a secret.
function understand(content: string, file: string): Credentials {
  try {
    const written = shape(JSON.parse(content), '')
    if (written.generations === undefined) return loginIn(written)
    return { ...loginIn(written), generations: logins(written.generations, 'generations') }
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof Flaw)) throw error
    const flaw = error instanceof Flaw ? error.message : syntaxFlaw(error, content)
    throw new HayaiError('CORRUPT', `${file} is damaged: ${flaw}`, {
      hint: `Write the password into it again, as {"password": "..."}, or put back a good copy.`,
    })
  }
}

interface Written {
  password: string
  user: unknown
  database: unknown
  generations: unknown
}

const GENERATION = /^g\d{4,9}$/

const shape = object<Written>({
  password: text,
  user: (value) => value,
  database: (value) => value,
  generations: (value) => value,
})

const logins = record<Login>(GENERATION, (value, where) => loginIn(shape(value, where)))

function loginIn({ user, password, database }: Written): Login {
  return {
    password: new Secret(password),
    ...(user === undefined ? {} : { user: text(user, 'user') }),
    ...(database === undefined ? {} : { database: text(database, 'database') }),
  }
}

async function modeIfThere(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).mode
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}
