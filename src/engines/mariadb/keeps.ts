// The data of a server of this family that others configured: all of its folder, but for settings, certificates and logs for people.

import { HayaiError } from '../../base/errors.ts'
import { compareVersions } from '../../base/versions.ts'
import type { Keeps } from '../engine.ts'
import { MARIADB, MYSQL, type Dialect } from './dialect.ts'
import { withSession } from './session.ts'

interface Kept {
  readonly dialect: Dialect
  readonly heart: string
  /** Throws where the data of that version cannot be exchanged. */
  readonly suits: (version: string) => void
}

export const keeps = keepsOf({ dialect: MARIADB, heart: 'ibdata1', suits: () => {} }) // a server that finds a log of InnoDB without it refuses to start

/** What is to come lies in a hidden folder among the data. Older servers take every tablespace below their folder for their own. */
export const mysqlKeeps = keepsOf({
  dialect: MYSQL,
  heart: 'mysql.ibd',
  suits(version) {
    if (compareVersions(version, '8.4') >= 0) return
    throw new HayaiError('WRONG_STATE', `the data of MySQL ${version} cannot be exchanged in a container of others; from 8.4 on it can`, {
      hint: 'Restore into a database beside it: --to NAME.',
    })
  },
})

function keepsOf({ dialect, heart, suits }: Kept): Keeps {
  return {
    async ask(endpoint) {
      const { folder, version } = await withSession(dialect, endpoint, { database: '', patience: 5000 }, async (session) => {
        const [row] = await session.query<{ folder: string; version: string }>('SELECT @@datadir AS folder, @@version AS version')
        return row ?? { folder: '', version: '' }
      })
      suits(version)
      return {
        folder,
        names: ['*'],
        owners: ['*.cnf', '*.pem', '*.crt', '*.key', '*.err', '*.pid', '*.sock', '*.sock.lock', '*-slow.log', '*error.log', '*general.log'],
        heart,
        moves: null,
        texts: {},
      }
    },
    beforeEnd: () => Promise.resolve(),
  }
}
