// Every command by name, in the groups and the order in which help shows them. Each is loaded when it is wanted.

import type { Verb } from './command.ts'

export interface Group {
  readonly title: string
  readonly verbs: Readonly<Record<string, Verb>>
}

export const GROUPS: readonly Group[] = [
  {
    title: 'Databases',
    verbs: {
      init: { brief: 'Create a database, or all that .hayaidb declares', load: async () => (await import('./commands/init.ts')).init },
      start: { brief: 'Start databases, all of them when none is named', load: async () => (await import('./commands/start.ts')).start },
      stop: { brief: 'Stop databases, all of them when none is named', load: async () => (await import('./commands/stop.ts')).stop },
      list: { brief: 'List the databases of the project', load: async () => (await import('./commands/list.ts')).list },
      connect: {
        brief: 'Show how to reach a database, with its password',
        load: async () => (await import('./commands/connect.ts')).connect,
      },
      logs: { brief: "Show a server's log", load: async () => (await import('./commands/logs.ts')).logs },
      remove: { brief: 'Remove a database; undo brings it back', load: async () => (await import('./commands/remove.ts')).remove },
      validate: { brief: 'Check the .hayaidb file', load: async () => (await import('./commands/validate.ts')).validate },
    },
  },
  {
    title: 'Snapshots',
    verbs: {
      snapshot: {
        brief: 'Take a snapshot; list, show, verify, rename, delete, hand on snapshots',
        load: async () => (await import('./commands/snapshot.ts')).snapshot,
      },
      prune: {
        brief: 'Delete old snapshots by rules; undo brings them back',
        load: async () => (await import('./commands/prune.ts')).prune,
      },
      restore: { brief: 'Bring a snapshot back; undo takes that back', load: async () => (await import('./commands/restore.ts')).restore },
      clone: { brief: 'Make a new database with the content of another', load: async () => (await import('./commands/clone.ts')).clone },
      upgrade: {
        brief: 'Bring a database to a newer version of its server; undo goes back',
        load: async () => (await import('./commands/upgrade.ts')).upgrade,
      },
      diff: { brief: 'Tell what has changed since a snapshot', load: async () => (await import('./commands/diff.ts')).diff },
      guard: {
        brief: 'Run a command with snapshots before it, and show what it changed',
        load: async () => (await import('./commands/guard.ts')).guard,
      },
      undo: { brief: 'Take back the last restore, removal or deletion', load: async () => (await import('./commands/undo.ts')).undo },
      redo: { brief: 'Take back the last undo', load: async () => (await import('./commands/redo.ts')).redo },
    },
  },
  {
    title: 'Everything together',
    verbs: {
      backup: {
        brief: 'Back up all databases at one moment; list, show, restore backups',
        load: async () => (await import('./commands/backup.ts')).backup,
      },
      daemon: {
        brief: 'Run the plans of .hayaidb at their times, until it is stopped',
        load: async () => (await import('./commands/daemon.ts')).daemon,
      },
      schedule: {
        brief: 'Show the plans of .hayaidb; run one',
        load: async () => (await import('./commands/schedule.ts')).schedule,
      },
      health: {
        brief: 'Tell whether everything has a recent, proven copy',
        load: async () => (await import('./commands/health.ts')).health,
      },
      notify: {
        brief: 'List who is told how the plans go, and send a test',
        load: async () => (await import('./commands/notify.ts')).notify,
      },
      metrics: {
        brief: 'Print metrics of copies and plans for Prometheus',
        load: async () => (await import('./commands/metrics.ts')).metrics,
      },
      audit: {
        brief: 'Show who did what and when, and that nobody changed the log of it',
        load: async () => (await import('./commands/audit.ts')).audit,
      },
      keys: {
        brief: 'Keys for encrypted snapshots and backups: create, show, add, list',
        load: async () => (await import('./commands/keys.ts')).keys,
      },
      secrets: {
        brief: 'Values that .hayaidb names and does not hold: set, list, remove',
        load: async () => (await import('./commands/secrets.ts')).secrets,
      },
      report: {
        brief: 'Show how much room snapshots and backups take, and how that has grown',
        load: async () => (await import('./commands/report.ts')).report,
      },
    },
  },
  {
    title: 'Hayai itself',
    verbs: {
      engines: {
        brief: 'List the kinds of database, and how far each is proven',
        load: async () => (await import('./commands/engines.ts')).engines,
      },
      help: { brief: 'Show help of a command', load: async () => (await import('./commands/help.ts')).help },
      version: { brief: 'Show the version', load: async () => (await import('./commands/version.ts')).version },
      completion: {
        brief: 'Print the completion script of a shell',
        load: async () => (await import('./commands/completion.ts')).completion,
      },
    },
  },
]

export function verbNames(): readonly string[] {
  return GROUPS.flatMap(({ verbs }) => Object.keys(verbs))
}

export function verbCalled(name: string): Verb | undefined {
  return GROUPS.map(({ verbs }) => (Object.hasOwn(verbs, name) ? verbs[name] : undefined)).find((verb) => verb !== undefined)
}
