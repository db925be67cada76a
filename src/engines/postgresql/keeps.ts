// The data of a PostgreSQL that others configured: all that initdb makes, but for the files with settings.

import type { Keeps } from '../engine.ts'
import { withSession } from './session.ts'

export const keeps: Keeps = {
  async ask(endpoint) {
    const folder = await withSession(endpoint, { patience: 5000 }, async (session) => {
      const [row] = await session.query<{ data_directory: string }>('SHOW data_directory')
      return row?.data_directory ?? ''
    })
    return {
      folder,
      names: ['PG_VERSION', 'base', 'global', 'pg_*', 'backup_label*', 'backup_manifest', 'tablespace_map*', '*.signal', 'postmaster.opts'],
      owners: ['*.conf'],
      heart: 'global', // without its pg_control no server starts
      moves: null,
      texts: {},
    }
  },
  beforeEnd: () => Promise.resolve(),
}
