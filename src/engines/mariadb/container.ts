// A server of this family in a container of its official image. While that initialises a new volume its server is on no network.

import type { ContainerFacts, Keeps, Settings, Surroundings } from '../engine.ts'
import { ROOT } from './settings.ts'
import { account } from './sql.ts'

export interface Product {
  /** What the variables of its image begin with. */
  readonly prefix: string
  readonly image: string
  /** Asks a server whether it lives. */
  readonly admin: string
  /** How a grant calls all accounts that may be taken. */
  readonly everybody: string
  readonly serve: (settings: Settings, purpose: 'live' | 'filling') => readonly string[]
  /** Encrypted, whoever the server is. */
  readonly healthArguments: readonly string[]
  readonly keeps: Keeps | null
}

export function container({ prefix, image, admin, everybody, serve, healthArguments, keeps }: Product): ContainerFacts {
  return {
    image,
    dataDir: '/var/lib/mysql',
    environment: ({ user, database }, file) => ({
      [`${prefix}DATABASE`]: database,
      [`${prefix}ROOT_PASSWORD_FILE`]: file('root-password'),
      ...(user === 'root' ? {} : { [`${prefix}USER`]: user, [`${prefix}PASSWORD_FILE`]: file('password') }),
    }),
    // The image wants a root that can log in. Where none was declared it has the login's password, which opens as much.
    hidden: () => ({}),
    secrets: ({ user, password, secrets }) => ({
      'root-password': (secrets?.[ROOT] ?? password).reveal(),
      ...(user === 'root' ? {} : { password: password.reveal() }),
    }),
    // The image makes the login the owner of one database. It shall own the server, as it does everywhere.
    files({ user }) {
      const login = account(user, '%')
      const all = user === 'root' ? '' : `GRANT ALL PRIVILEGES ON *.* TO ${login} WITH GRANT OPTION;\n`
      return { '/docker-entrypoint-initdb.d/login.sql': `${all}GRANT PROXY ON ${everybody} TO ${login} WITH GRANT OPTION;\n` }
    },
    serve: ({ settings, around }, purpose) => ({ args: [...serve(settings, purpose), ...given(secureSettings(around))] }),
    // Root, where its password is known: a login of the image's making sees one database.
    declared(environment) {
      const given = Object.entries(environment).filter(([key]) => /^(?:MARIADB|MYSQL)_(?:DATABASE|USER|PASSWORD|ROOT_PASSWORD)$/.test(key))
      const hasRoot = given.some(([key, value]) => key.endsWith('_ROOT_PASSWORD') && value !== '')
      const login = given.filter(([key]) => key.endsWith('_DATABASE') || key.endsWith('_ROOT_PASSWORD') === hasRoot)
      return Object.fromEntries(hasRoot ? [...login, [`${prefix}USER`, 'root']] : login)
    },
    keeps,
    healthcheck: (_, secured) => [admin, '--no-defaults', ...(secured ? healthArguments : []), '-h', '127.0.0.1', '--silent', 'ping'],
  }
}

/** Nobody is let in unencrypted. */
export function secureSettings({ certificates }: Surroundings): Readonly<Record<string, string>> {
  if (certificates === undefined) return {}
  const { authority, certificate, key } = certificates
  return { ssl_ca: authority, ssl_cert: certificate, ssl_key: key, require_secure_transport: 'ON' }
}

export function given(settings: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(settings).map(([key, value]) => `--${key.replaceAll('_', '-')}=${value}`)
}
