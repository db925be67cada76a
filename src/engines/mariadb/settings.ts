// Reads `environment:`, by the names of the official images. <PREFIX>_DATABASE, _USER, _PASSWORD and _ROOT_PASSWORD make the
// database; every other <PREFIX>_<NAME> is the server's setting of that name, if it is one that can be set from there.

import { HayaiError } from '../../base/errors.ts'
import { Secret } from '../../base/secret.ts'
import type { Settings } from '../engine.ts'

/** What differs between the products: whose names they go by, and what their servers can be told. */
export interface Vocabulary {
  /** The first one weighs more. */
  readonly prefixes: readonly string[]
  readonly settings: ReadonlySet<string>
  readonly longestUser: number
}

type Environment = Readonly<Record<string, string>>

/** Under which name the password of `root` is among the secrets, where there is one beside the login. */
export const ROOT = 'root'

export function readSettings({ prefixes, settings, longestUser }: Vocabulary, environment: Environment, password: Secret): Settings {
  const { server, unknown } = sorted(prefixes, settings, environment)
  const given = (name: string): string => prefixes.map((prefix) => environment[prefix + name] ?? '').find((value) => value !== '') ?? ''
  const secret = (name: string): Secret | undefined => {
    const value = given(name)
    return value === '' ? undefined : new Secret(checkedText(prefixes[0] + name, value, true))
  }
  const root = secret('ROOT_PASSWORD')
  const asked = given('USER')
  const user =
    asked === '' ? (root === undefined ? 'admin' : 'root') : checkedName(`${prefixes[0]}USER`, asked, longestUser, /^(?:mariadb|mysql)\./)
  const own = secret('PASSWORD')
  return {
    user,
    password: (user === 'root' ? (root ?? own) : own) ?? password,
    database: checkedName(
      `${prefixes[0]}DATABASE`,
      given('DATABASE') || 'database',
      64,
      /^(?:mysql|sys|information_schema|performance_schema)$|^#mysql50#/i,
    ),
    server,
    ...(root === undefined || user === 'root' ? {} : { secrets: { [ROOT]: root } }),
    unknown,
  }
}

const LOGIN = /^(?:DATABASE|USER|PASSWORD|ROOT_PASSWORD)$/

function sorted(prefixes: readonly string[], settings: ReadonlySet<string>, environment: Environment) {
  const server: Record<string, string> = {}
  const unknown: string[] = []
  // The weightier prefix comes last, and so has the last word.
  for (const prefix of prefixes.toReversed()) {
    for (const [key, value] of Object.entries(environment)) {
      if (!key.startsWith(prefix) || LOGIN.test(key.slice(prefix.length))) continue
      const setting = key.slice(prefix.length).toLowerCase()
      if (settings.has(setting)) server[setting] = checkedSetting(key, setting, value)
      else unknown.push(key)
    }
  }
  unknown.push(...Object.keys(environment).filter((key) => !prefixes.some((prefix) => key.startsWith(prefix))))
  return { server, unknown }
}

function checkedSetting(key: string, setting: string, value: string): string {
  const text = checkedText(key, value)
  if (setting !== 'log_bin') return text
  if (/^(?:on|1|true|yes)$/i.test(text)) return 'binlog'
  if (/^\w+$/.test(text)) return text
  throw new HayaiError('CONFIG_INVALID', `${key}: ${JSON.stringify(text)} is no name for the binary log`, { hint: 'Write "on".' })
}

function checkedName(key: string, name: string, longest: number, reserved: RegExp): string {
  checkedText(key, name)
  if (name.length <= longest && !reserved.test(name) && !name.endsWith(' ') && !/[\u{10000}-\u{10ffff}]/u.test(name)) return name
  throw new HayaiError('CONFIG_INVALID', `${key}: ${JSON.stringify(name)} cannot be used as a name`, {
    hint: `Choose one of at most ${longest} characters that the server does not keep for itself.`,
  })
}

function checkedText(key: string, value: string, secret = false): string {
  if (!/[\0-\x1f\x7f]/.test(value)) return value
  throw new HayaiError(
    'CONFIG_INVALID',
    `${key}: ${secret ? 'the value' : JSON.stringify(value)} holds a line break or another control character`,
    {
      hint: 'Write it in one line.',
    },
  )
}

const words = (text: string): readonly string[] => text.trim().split(/\s+/)

// What a server can be told when it starts, but for what Hayai decides (places, ports, logs, plugins, encryption, replication).
const SHARED = words(`
  auto_increment_increment auto_increment_offset autocommit automatic_sp_privileges back_log big_tables binlog_cache_size
  binlog_expire_logs_seconds binlog_format binlog_row_image binlog_stmt_cache_size bulk_insert_buffer_size character_set_server
  collation_server completion_type concurrent_insert connect_timeout default_password_lifetime default_storage_engine default_time_zone
  default_tmp_storage_engine default_week_format delay_key_write disconnect_on_expired_password div_precision_increment
  eq_range_index_dive_limit event_scheduler explicit_defaults_for_timestamp flush_time ft_boolean_syntax ft_max_word_len ft_min_word_len
  ft_query_expansion_limit general_log group_concat_max_len host_cache_size innodb_adaptive_flushing innodb_adaptive_flushing_lwm
  innodb_adaptive_hash_index innodb_adaptive_hash_index_parts innodb_autoextend_increment innodb_autoinc_lock_mode
  innodb_buffer_pool_dump_at_shutdown innodb_buffer_pool_dump_pct innodb_buffer_pool_load_at_startup innodb_buffer_pool_size
  innodb_change_buffer_max_size innodb_change_buffering innodb_checksum_algorithm innodb_cmp_per_index_enabled
  innodb_compression_failure_threshold_pct innodb_compression_level innodb_compression_pad_pct_max innodb_data_file_path
  innodb_deadlock_detect innodb_default_row_format innodb_disable_sort_file_cache innodb_doublewrite innodb_fast_shutdown
  innodb_file_per_table innodb_fill_factor innodb_flush_log_at_timeout innodb_flush_log_at_trx_commit innodb_flush_method
  innodb_flush_neighbors innodb_flush_sync innodb_flushing_avg_loops innodb_ft_cache_size innodb_ft_enable_stopword
  innodb_ft_max_token_size innodb_ft_min_token_size innodb_ft_num_word_optimize innodb_ft_result_cache_limit innodb_ft_server_stopword_table
  innodb_ft_sort_pll_degree innodb_ft_total_cache_size innodb_io_capacity innodb_io_capacity_max innodb_lock_wait_timeout
  innodb_log_buffer_size innodb_log_file_size innodb_log_write_ahead_size innodb_lru_scan_depth innodb_max_dirty_pages_pct
  innodb_max_dirty_pages_pct_lwm innodb_max_purge_lag innodb_max_purge_lag_delay innodb_max_undo_log_size innodb_numa_interleave
  innodb_old_blocks_pct innodb_old_blocks_time innodb_online_alter_log_max_size innodb_open_files innodb_optimize_fulltext_only
  innodb_page_size innodb_print_all_deadlocks innodb_purge_batch_size innodb_purge_threads innodb_random_read_ahead
  innodb_read_ahead_threshold innodb_read_io_threads innodb_rollback_on_timeout innodb_sort_buffer_size innodb_spin_wait_delay
  innodb_stats_auto_recalc innodb_stats_include_delete_marked innodb_stats_method innodb_stats_on_metadata innodb_stats_persistent
  innodb_stats_persistent_sample_pages innodb_stats_transient_sample_pages innodb_status_output innodb_status_output_locks
  innodb_strict_mode innodb_sync_spin_loops innodb_table_locks innodb_temp_data_file_path innodb_undo_log_truncate innodb_undo_tablespaces
  innodb_use_native_aio innodb_write_io_threads interactive_timeout join_buffer_size key_buffer_size key_cache_age_threshold
  key_cache_block_size key_cache_division_limit lc_messages lc_time_names local_infile lock_wait_timeout log_bin
  log_bin_trust_function_creators log_output log_queries_not_using_indexes log_slow_admin_statements long_query_time low_priority_updates
  lower_case_table_names max_allowed_packet max_binlog_size max_connect_errors max_connections max_digest_length max_error_count
  max_heap_table_size max_join_size max_length_for_sort_data max_prepared_stmt_count max_seeks_for_key max_sort_length
  max_sp_recursion_depth max_user_connections max_write_lock_count min_examined_row_limit myisam_data_pointer_size
  myisam_max_sort_file_size myisam_mmap_size myisam_recover_options myisam_sort_buffer_size myisam_stats_method myisam_use_mmap
  net_buffer_length net_read_timeout net_retry_count net_write_timeout old_alter_table open_files_limit optimizer_prune_level
  optimizer_search_depth optimizer_switch optimizer_trace optimizer_trace_max_mem_size performance_schema preload_buffer_size
  query_alloc_block_size query_prealloc_size range_alloc_block_size read_buffer_size read_only read_rnd_buffer_size server_id
  slow_launch_time slow_query_log sort_buffer_size sql_mode stored_program_cache sync_binlog table_definition_cache table_open_cache
  table_open_cache_instances thread_cache_size thread_handling thread_stack tmp_table_size transaction_alloc_block_size
  transaction_isolation transaction_prealloc_size transaction_read_only updatable_views_with_limit wait_timeout`)

const MARIADB = words(`
  alter_algorithm analyze_max_length analyze_sample_percentage aria_checkpoint_interval aria_checkpoint_log_activity aria_group_commit
  aria_group_commit_interval aria_max_sort_file_size aria_page_checksum aria_pagecache_age_threshold aria_pagecache_buffer_size
  aria_pagecache_division_limit aria_recover_options aria_repair_threads aria_sort_buffer_size aria_stats_method
  character_set_collations character_set_filesystem column_compression_threshold column_compression_zlib_level
  column_compression_zlib_strategy deadlock_search_depth_long deadlock_search_depth_short deadlock_timeout_long deadlock_timeout_short
  default_regex_flags delayed_insert_limit delayed_insert_timeout delayed_queue_size enforce_storage_engine expensive_subquery_limit
  expire_logs_days gtid_domain_id gtid_strict_mode histogram_size histogram_type idle_readonly_transaction_timeout
  idle_transaction_timeout idle_write_transaction_timeout in_predicate_conversion_threshold innodb_alter_copy_bulk
  innodb_compression_algorithm innodb_compression_default innodb_deadlock_report innodb_defragment innodb_force_primary_key
  innodb_instant_alter_column_allowed innodb_log_file_buffering innodb_prefix_index_cluster_optimization innodb_read_only_compressed
  innodb_snapshot_isolation innodb_stats_modified_counter innodb_stats_traditional join_buffer_space_limit join_cache_level
  keep_files_on_create key_cache_file_hash_size key_cache_segments log_slow_disabled_statements log_slow_filter log_slow_max_warnings
  log_slow_min_examined_row_limit log_slow_query log_slow_query_time log_slow_rate_limit log_slow_verbosity log_warnings max_delayed_threads
  max_password_errors max_recursive_iterations max_rowid_filter_size max_session_mem_used max_statement_time max_tmp_space_usage
  max_total_tmp_space_usage mrr_buffer_size mysql56_temporal_format note_verbosity old_mode optimizer_adjust_secondary_key_costs
  optimizer_extra_pruning_depth optimizer_join_limit_pref_ratio optimizer_max_sel_arg_weight optimizer_max_sel_args
  optimizer_selectivity_sampling_limit optimizer_use_condition_selectivity progress_report_time query_cache_limit
  query_cache_min_res_unit query_cache_size query_cache_strip_comments query_cache_type query_cache_wlock_invalidate
  rowid_merge_buff_size secure_file_priv session_track_schema session_track_state_change session_track_system_variables
  session_track_transaction_info standard_compliant_cte strict_password_validation system_versioning_alter_history
  thread_pool_idle_timeout thread_pool_max_threads thread_pool_size tmp_disk_table_size tmp_memory_table_size tx_isolation tx_read_only
  use_stat_tables userstat`)

const MYSQL = words(`
  activate_all_roles_on_login authentication_policy binlog_row_value_options binlog_transaction_compression cte_max_recursion_depth
  default_authentication_plugin enforce_gtid_consistency generated_random_password_length gtid_mode histogram_generation_max_mem_size
  information_schema_stats_expiry innodb_ddl_buffer_size innodb_ddl_threads innodb_dedicated_server innodb_extend_and_initialize
  innodb_log_writer_threads innodb_parallel_read_threads innodb_redo_log_capacity innodb_redo_log_encrypt innodb_validate_tablespace_paths
  internal_tmp_mem_storage_engine log_error_verbosity mandatory_roles max_execution_time max_points_in_geometry mysql_native_password
  parser_max_mem_size partial_revokes password_history password_require_current password_reuse_interval print_identified_with_as_hex
  range_optimizer_max_mem_size regexp_stack_limit regexp_time_limit schema_definition_cache secure_file_priv
  show_create_table_verbosity sql_generate_invisible_primary_key sql_require_primary_key stored_program_definition_cache
  tablespace_definition_cache temptable_max_mmap temptable_max_ram tmp_table_size windowing_use_high_precision`)

export const MARIADB_VOCABULARY: Vocabulary = {
  prefixes: ['MARIADB_', 'MYSQL_'],
  settings: new Set([...SHARED, ...MARIADB]),
  longestUser: 80,
}

export const MYSQL_VOCABULARY: Vocabulary = {
  prefixes: ['MYSQL_'],
  settings: new Set([...SHARED, ...MYSQL]),
  longestUser: 32,
}
