// What a server is told when it starts, wherever it runs.

import type { Settings, Surroundings } from '../engine.ts'
import { secureSettings } from './tls.ts'
import { archiveSettings } from './wal.ts'

export const ENCODING = 'UTF8'
/** Sorts by code point, knows letters beyond ASCII, and never changes with the system. macOS has no such locale for certain. */
export const LOCALE = process.platform === 'darwin' ? 'en_US.UTF-8' : 'C.UTF-8'

// A twin that is being filled: thrown away if it fails, made durable as a whole before it is used. Small enough for 2 GB of memory.
const FILLING = {
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  archive_mode: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '1GB',
  min_wal_size: '80MB',
  wal_recycle: 'off', // leave no pile of spare segments behind
  checkpoint_timeout: '1h',
  autovacuum: 'off',
  shared_buffers: '192MB',
  maintenance_work_mem: '192MB',
  max_logical_replication_workers: '0', // a subscription that came with a copy must not take from its publisher
}
/** Settings of a live server that cannot stand beside `wal_level=minimal`, or need something a twin does not have. */
const NOT_FILLING = new Set(['summarize_wal', 'synchronous_standby_names', 'idle_replication_slot_timeout'])

export function serverSettings(settings: Settings, purpose: 'live' | 'filling', around: Surroundings): Readonly<Record<string, string>> {
  const { server } = settings
  const own = Object.entries(server).filter(([key]) => purpose === 'live' || !NOT_FILLING.has(key))
  return {
    ...Object.fromEntries(own),
    ...(purpose === 'filling' ? filling(server) : { ...archiveSettings(settings, around), ...secureSettings(around) }),
  }
}

/**
 * Prepared transactions may come with a copy, whether this place allows for them or not. To count tens of thousands of tables in one
 * transaction takes a lock for each of them and of their indexes; what a live server was told with ALTER SYSTEM is not told here.
 */
export function filling({
  max_prepared_transactions: prepared = '0',
  max_locks_per_transaction: locks = '0',
}: Settings['server']): Readonly<Record<string, string>> {
  const atLeast = (least: number, own: string): string => String(Math.max(least, Number(own) || 0))
  return { ...FILLING, max_prepared_transactions: atLeast(64, prepared), max_locks_per_transaction: atLeast(1024, locks) }
}

export function given(settings: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])
}
