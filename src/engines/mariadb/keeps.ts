// The data of a MariaDB that others configured: all of its folder, but for settings, certificates and logs for people.

import type { Keeps } from '../engine.ts'
import { MARIADB } from './dialect.ts'
import { withSession } from './session.ts'

export const keeps: Keeps = {
  async ask(endpoint) {
    const folder = await withSession(MARIADB, endpoint, { database: '', patience: 5000 }, async (session) => {
      const [row] = await session.query<{ folder: string }>('SELECT @@datadir AS folder')
      return row?.folder ?? ''
    })
    return {
      folder,
      names: ['*'],
      owners: ['*.cnf', '*.pem', '*.crt', '*.key', '*.err', '*.pid', '*.sock', '*-slow.log', '*error.log', '*general.log'],
      heart: 'ibdata1', // a server that finds a log of InnoDB without it refuses to start
      moves: null,
      texts: {},
    }
  },
  beforeEnd: () => Promise.resolve(),
}
