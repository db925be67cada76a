// What a server has to be told once it answers: whether it keeps a log of changes (AOF), and to save when it is ended.
//
// A server reads its log *or* its RDB file when it starts, as its setting says, and a setting that was changed meanwhile would
// make it read the wrong one: an empty log instead of all the data, or a file of last week. So it is always started with what is
// there, and made to write the other while it runs.

import { setTimeout as sleep } from 'node:timers/promises'
import { HayaiError } from '../../base/errors.ts'
import type { DataFolder, Risen } from '../engine.ts'
import { information, withSession, type Session } from './session.ts'

export const RDB_FILE = 'dump.rdb'
export const AOF_FOLDER = 'appendonlydir'
const OLD_AOF = 'appendonly.aof' // before version 7
/** Where one of these is, there is a log. */
export const AOF_MARKS: readonly string[] = [`${AOF_FOLDER}/appendonly.aof.manifest`, OLD_AOF]

export async function settle({ endpoint, settings, data, signal }: Risen, purpose: 'live' | 'filling'): Promise<void> {
  await withSession(endpoint, signal, async (session) => {
    const wanted = settings.server['appendonly'] === 'yes'
    if (wanted && !(await hasLog(data))) await beginLog(session, data, signal)
    if (!wanted && (await setting(session, 'appendonly')) === 'yes') await endLog(session, data, signal)
    if (purpose === 'live') await saveWhenEnded(session, { log: wanted, schedule: settings.server['save'] ?? '' })
  })
}

async function hasLog(data: DataFolder): Promise<boolean> {
  for (const mark of AOF_MARKS) if (await data.has(mark)) return true
  return false
}

/** Returns when the log holds all that the server holds, and is what it will read at its next start. */
async function beginLog(session: Session, data: DataFolder, signal: AbortSignal): Promise<void> {
  await session.ask('CONFIG', 'SET', 'appendonly', 'yes')
  for (let pause = 5; ; pause = Math.min(pause * 1.5, 200)) {
    const now = await information(session, 'persistence')
    if (now['aof_rewrite_in_progress'] === '0' && now['aof_rewrite_scheduled'] === '0') {
      if (now['aof_enabled'] === '1' && now['aof_last_bgrewrite_status'] === 'ok' && (await hasLog(data))) return
      throw new HayaiError('TOOL_FAILED', 'the server cannot write its log of changes (AOF)', {
        hint: 'Its own log tells why; most often the disk is full.',
      })
    }
    await sleep(pause, undefined, { signal })
  }
}

/** With nobody writing: all goes into the RDB file, and only then does the log go. */
async function endLog(session: Session, data: DataFolder, signal: AbortSignal): Promise<void> {
  const paused = await pause(session)
  try {
    await save(session, signal)
    await data.remove([AOF_FOLDER, OLD_AOF])
    await session.ask('CONFIG', 'SET', 'appendonly', 'no')
  } finally {
    if (paused) await session.ask('CLIENT', 'UNPAUSE')
  }
}

async function save(session: Session, signal: AbortSignal): Promise<void> {
  while ((await information(session, 'persistence'))['rdb_bgsave_in_progress'] === '1') await sleep(50, undefined, { signal })
  await session.ask('SAVE')
}

/** False before version 6.2, which cannot hold back those who write without holding back us. */
async function pause(session: Session): Promise<boolean> {
  try {
    await session.ask('CLIENT', 'PAUSE', String(3_600_000), 'WRITE')
    return true
  } catch (error) {
    if (error instanceof HayaiError && /^ERR (?:syntax|unknown|wrong number)/i.test(String(error.details?.['reply']))) return false
    throw error
  }
}

/** Also where nothing is to be saved while it runs: a database that was stopped is there again when it is started. */
export async function saveWhenEnded(
  session: Session,
  { log, schedule }: { readonly log: boolean; readonly schedule: string },
): Promise<void> {
  const known = await session.askIfKnown('CONFIG', 'SET', 'shutdown-on-sigterm', log ? 'default' : 'save') // from version 7 on
  // Older ones save at their end only if they have a schedule: one that never comes due.
  if (known === undefined && !log && schedule === '') await session.ask('CONFIG', 'SET', 'save', '2147483647 2147483647')
}

export async function setting(session: Session, name: string): Promise<string> {
  const reply = await session.ask('CONFIG', 'GET', name)
  return Array.isArray(reply) ? String(reply[1]) : ''
}
