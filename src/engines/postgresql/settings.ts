// Reads `environment:`. POSTGRES_DB, POSTGRES_USER and POSTGRES_PASSWORD make the database, POSTGRES_INITDB_ARGS its folder;
// every other POSTGRES_<NAME> is the server's setting of that name, if it is one that can be set from there.

import { HayaiError } from '../../base/errors.ts'
import { Secret } from '../../base/secret.ts'
import type { Settings } from '../engine.ts'
import { archives } from './wal.ts'

export function settings(environment: Readonly<Record<string, string>>, password: Secret): Settings {
  const {
    POSTGRES_DB: database = '',
    POSTGRES_USER: user = '',
    POSTGRES_PASSWORD: given = '',
    POSTGRES_INITDB_ARGS: creation = '',
  } = environment
  const server: Record<string, string> = {}
  const unknown: string[] = []
  for (const [key, value] of Object.entries(environment)) {
    if (/^POSTGRES_(?:DB|USER|PASSWORD|INITDB_ARGS)$/.test(key)) continue
    const setting = key.startsWith('POSTGRES_') ? key.slice('POSTGRES_'.length).toLowerCase() : ''
    if (SETTINGS.has(setting)) server[setting] = checkedText(key, value)
    else unknown.push(key)
  }
  refuseUnarchivable(server)
  return {
    user: checkedName('POSTGRES_USER', user, 'admin', /^pg_|^(?:public|none)$|["'\\]/), // initdb does not quote it everywhere
    password: given === '' ? password : new Secret(checkedText('POSTGRES_PASSWORD', given, true)),
    database: checkedName('POSTGRES_DB', database, 'database', /^template[01]$/),
    server,
    creation: creationArguments(creation),
    unknown,
  }
}

function refuseUnarchivable(server: Readonly<Record<string, string>>): void {
  const { archive_mode: mode = 'off', wal_level: level = 'replica' } = server
  if (!/^(on|always|off|true|false|yes|no|[01])$/i.test(mode)) {
    throw new HayaiError('CONFIG_INVALID', `POSTGRES_ARCHIVE_MODE cannot be ${JSON.stringify(mode)}`, { hint: 'Write on, off or always.' })
  }
  if (!archives({ server }) || level.toLowerCase() !== 'minimal') return
  throw new HayaiError('CONFIG_INVALID', `POSTGRES_ARCHIVE_MODE: "${mode}" needs more in the log than POSTGRES_WAL_LEVEL: "minimal"`, {
    hint: 'Write POSTGRES_WAL_LEVEL: "replica", or leave it out.',
  })
}

function checkedName(key: string, value: string, otherwise: string, reserved: RegExp): string {
  const name = checkedText(key, value === '' ? otherwise : value)
  if (Buffer.byteLength(name) <= 63 && !reserved.test(name)) return name
  throw new HayaiError('CONFIG_INVALID', `${key}: ${JSON.stringify(name)} cannot be used as a name`, {
    hint: 'Choose one of at most 63 bytes, without quotes, that PostgreSQL does not keep for itself.',
  })
}

function checkedText(key: string, value: string, secret = false): string {
  // eslint-disable-next-line no-control-regex
  if (!/[\0-\x1f\x7f]/.test(value)) return value
  throw new HayaiError(
    'CONFIG_INVALID',
    `${key}: ${secret ? 'the value' : JSON.stringify(value)} holds a line break or another control character`,
    {
      hint: 'Write it in one line.',
    },
  )
}

// These are Hayai's own to say: where the folder is, who its superuser is, and that nobody comes in without the password.
const OWN_ARGUMENTS = /^(?:-[DUWXA]|--(?:pgdata|user|pw|waldir|auth|show|sync-only|version|help|no-clean|debug))/

function creationArguments(line: string): readonly string[] {
  const words = [...checkedText('POSTGRES_INITDB_ARGS', line).matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)].map(([word]) =>
    word.replaceAll(/"([^"]*)"|'([^']*)'/g, (_, double: string | undefined, single: string | undefined) => double ?? single ?? ''),
  )
  const refused = words.find((word) => OWN_ARGUMENTS.test(word))
  if (refused === undefined) return words
  throw new HayaiError('CONFIG_INVALID', `POSTGRES_INITDB_ARGS: ${JSON.stringify(refused)} cannot be given`, {
    hint: 'Hayai chooses the folder, the superuser and the way of logging in itself. Leave it out.',
  })
}

// What PostgreSQL 13 to 18 can be told when it starts, but for what Hayai decides (places, ports, logs, how the log is archived, standby,
// encryption of connections) and what makes no sense for a whole server.
const SETTINGS: ReadonlySet<string> = new Set(
  `
  archive_mode archive_timeout array_nulls authentication_timeout autovacuum autovacuum_analyze_scale_factor autovacuum_analyze_threshold autovacuum_freeze_max_age
  autovacuum_max_workers autovacuum_multixact_freeze_max_age autovacuum_naptime autovacuum_vacuum_cost_delay
  autovacuum_vacuum_cost_limit autovacuum_vacuum_insert_scale_factor autovacuum_vacuum_insert_threshold autovacuum_vacuum_max_threshold
  autovacuum_vacuum_scale_factor autovacuum_vacuum_threshold autovacuum_work_mem autovacuum_worker_slots backend_flush_after
  backslash_quote bgwriter_delay bgwriter_flush_after bgwriter_lru_maxpages bgwriter_lru_multiplier bytea_output check_function_bodies
  checkpoint_completion_target checkpoint_flush_after checkpoint_timeout checkpoint_warning client_connection_check_interval
  client_min_messages commit_delay commit_siblings commit_timestamp_buffers compute_query_id constraint_exclusion cpu_index_tuple_cost
  cpu_operator_cost cpu_tuple_cost createrole_self_grant cursor_tuple_fraction datestyle deadlock_timeout debug_pretty_print
  default_statistics_target default_table_access_method default_tablespace default_text_search_config default_toast_compression
  default_transaction_deferrable default_transaction_isolation dynamic_library_path effective_cache_size effective_io_concurrency
  enable_async_append enable_bitmapscan enable_distinct_reordering enable_gathermerge enable_group_by_reordering enable_hashagg
  enable_hashjoin enable_incremental_sort enable_indexonlyscan enable_indexscan enable_material enable_memoize enable_mergejoin
  enable_nestloop enable_parallel_append enable_parallel_hash enable_partition_pruning enable_partitionwise_aggregate
  enable_partitionwise_join enable_presorted_aggregate enable_self_join_elimination enable_seqscan enable_sort enable_tidscan
  escape_string_warning event_triggers extra_float_digits file_copy_method from_collapse_limit fsync full_page_writes geqo geqo_effort
  geqo_generations geqo_pool_size geqo_selection_bias geqo_threshold gin_fuzzy_search_limit gin_pending_list_limit hash_mem_multiplier
  huge_page_size huge_pages icu_validation_level idle_in_transaction_session_timeout idle_replication_slot_timeout idle_session_timeout
  intervalstyle io_combine_limit io_max_combine_limit io_max_concurrency io_method io_workers jit jit_above_cost jit_inline_above_cost
  jit_optimize_above_cost jit_provider join_collapse_limit lc_messages lc_monetary lc_numeric lc_time lo_compat_privileges
  local_preload_libraries lock_timeout log_autovacuum_min_duration log_checkpoints log_connections log_disconnections log_duration
  log_error_verbosity log_hostname log_line_prefix log_lock_failures log_lock_waits log_min_duration_sample log_min_duration_statement
  log_min_error_statement log_min_messages log_parameter_max_length log_parameter_max_length_on_error log_recovery_conflict_waits
  log_replication_commands log_startup_progress_interval log_statement log_statement_sample_rate log_temp_files log_timezone
  log_transaction_sample_rate logical_decoding_work_mem maintenance_io_concurrency maintenance_work_mem max_active_replication_origins
  max_connections max_files_per_process max_locks_per_transaction max_logical_replication_workers max_notify_queue_pages
  max_parallel_apply_workers_per_subscription max_parallel_maintenance_workers max_parallel_workers max_parallel_workers_per_gather
  max_pred_locks_per_page max_pred_locks_per_relation max_pred_locks_per_transaction max_prepared_transactions max_replication_slots
  max_slot_wal_keep_size max_stack_depth max_sync_workers_per_subscription max_wal_senders max_wal_size max_worker_processes
  min_dynamic_shared_memory min_parallel_index_scan_size min_parallel_table_scan_size min_wal_size multixact_member_buffers
  multixact_offset_buffers notify_buffers old_snapshot_threshold parallel_leader_participation parallel_setup_cost parallel_tuple_cost
  password_encryption plan_cache_mode quote_all_identifiers random_page_cost recovery_prefetch recursive_worktable_factor
  reserved_connections restrict_nonsystem_relation_kind row_security scram_iterations search_path seq_page_cost serializable_buffers
  session_preload_libraries shared_buffers shared_preload_libraries standard_conforming_strings statement_timeout
  stats_fetch_consistency subtransaction_buffers summarize_wal superuser_reserved_connections synchronize_seqscans synchronous_commit
  synchronous_standby_names tcp_keepalives_count tcp_keepalives_idle tcp_keepalives_interval tcp_user_timeout temp_buffers
  temp_file_limit temp_tablespaces timezone timezone_abbreviations track_activities track_activity_query_size track_commit_timestamp
  track_cost_delay_timing track_counts track_functions track_io_timing track_wal_io_timing transaction_buffers transaction_timeout
  transform_null_equals update_process_title vacuum_buffer_usage_limit vacuum_cost_delay vacuum_cost_limit vacuum_cost_page_dirty
  vacuum_cost_page_hit vacuum_cost_page_miss vacuum_defer_cleanup_age vacuum_failsafe_age vacuum_freeze_min_age vacuum_freeze_table_age
  vacuum_max_eager_freeze_failure_rate vacuum_multixact_failsafe_age vacuum_multixact_freeze_min_age vacuum_multixact_freeze_table_age
  vacuum_truncate wal_buffers wal_compression wal_decode_buffer_size wal_init_zero wal_keep_size wal_level wal_log_hints wal_recycle
  wal_sender_timeout wal_skip_threshold wal_summary_keep_time wal_sync_method wal_writer_delay wal_writer_flush_after work_mem
  xmlbinary xmloption`
    .trim()
    .split(/\s+/),
)
