// The data of a server that others configured: the RDB file, or the log of changes (AOF) where it keeps one, which is then all that it
// reads when it starts. A twin has an RDB file; as the beginning of a log it is as good.

import { HayaiError } from '../../base/errors.ts'
import type { Keeping, Keeps } from '../engine.ts'
import { RDB_FILE, saveWhenEnded, setting } from './settle.ts'
import { information, withSession, type Session } from './session.ts'

export const keeps: Keeps = {
  ask: (endpoint) => withSession(endpoint, undefined, keeping),
  // One that saves nothing by its owner's settings would have nothing to go back to.
  beforeEnd: (endpoint) =>
    withSession(endpoint, undefined, async (session) => {
      const log = (await setting(session, 'appendonly')) === 'yes'
      await saveWhenEnded(session, { log, schedule: await setting(session, 'save') })
    }),
}

async function keeping(session: Session): Promise<Keeping> {
  const { role } = await information(session, 'replication')
  if (role === 'slave') {
    throw new HayaiError('WRONG_STATE', 'the server is a replica, which gets its data from another one', { hint: 'Restore into that one.' })
  }
  const [folder, rdb] = [await setting(session, 'dir'), await setting(session, 'dbfilename')]
  const [logs, log] = [await setting(session, 'appenddirname'), await setting(session, 'appendfilename')]
  const names = [rdb, logs, log].filter((name) => name !== '').map(exactly)
  const plain = { folder, names: [...names, 'temp-*.rdb', 'temp-*.aof'], owners: [] }
  if ((await setting(session, 'appendonly')) !== 'yes') return { ...plain, heart: rdb, moves: { [RDB_FILE]: rdb }, texts: {} }
  if (logs === '') return { ...plain, heart: log, moves: { [RDB_FILE]: log }, texts: {} } // before version 7
  const base = `${log}.1.base.rdb`
  const manifest = { [`${logs}/${log}.manifest`]: `file ${base} seq 1 type b\n` }
  return { ...plain, heart: logs, moves: { [RDB_FILE]: `${logs}/${base}` }, texts: manifest }
}

/** As a pattern that fits this name alone. */
function exactly(name: string): string {
  return name.replaceAll(/[\\*?[\]]/g, String.raw`\$&`)
}
