// PostgreSQL in a container of its official image. While that initialises a new volume its server answers on a socket only.

import type { ContainerFacts } from '../engine.ts'
import { keeps } from './keeps.ts'
import { ENCODING, given, serverSettings } from './parameters.ts'

export const container: ContainerFacts = {
  image: 'postgres',
  dataDir: '/var/lib/postgresql/data',
  environment: ({ user, database, creation = [] }, file, purpose) => ({
    PGDATA: '/var/lib/postgresql/data', // images from 18 on have another
    POSTGRES_USER: user,
    POSTGRES_DB: database,
    POSTGRES_PASSWORD_FILE: file('password'),
    POSTGRES_INITDB_ARGS: [
      `--encoding=${ENCODING}`,
      '--locale=C.UTF-8',
      '--auth-host=scram-sha-256',
      ...(purpose === 'filling' ? ['--no-sync'] : []), // what is being filled is made durable as a whole
      ...creation,
    ]
      .map(word)
      .join(' '),
  }),
  hidden: () => ({}),
  secrets: ({ password }) => ({ password: password.reveal() }),
  files: () => ({}),
  serve: ({ settings, around }, purpose) => ({
    args: ['postgres', ...given({ ...serverSettings(settings, purpose, around), listen_addresses: '*' })],
  }),
  declared({ POSTGRES_USER: user = 'postgres', POSTGRES_DB: database = user, POSTGRES_PASSWORD: password = '' }) {
    return { POSTGRES_USER: user, POSTGRES_DB: database, POSTGRES_PASSWORD: password }
  },
  keeps,
  healthcheck: ({ user, database }) => ['pg_isready', '-q', '-h', '127.0.0.1', '-U', user, '-d', database],
}

/** As one word of a shell's line, which is what the image makes of them. */
function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
