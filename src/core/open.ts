// The facade: a project that was found, with every verb on it. What a verb throws on an abort is INTERRUPTED.

import { basename, join } from 'node:path'
import { locateProject } from '../project/locate.ts'
import { CONFIG_NAME, pathsOf } from '../project/paths.ts'
import type { OpenOptions, Project, Watch } from './answers.ts'
import type { Backups } from './backup-answers.ts'
import type { Context, Parts } from './context.ts'
import type { Keys } from './key-answers.ts'
import { keyringOf } from './keys/keyring.ts'
import type { SnapshotKeeping } from './keeping-answers.ts'
import type { Notifying } from './news-answers.ts'
import type { Overseeing } from './overseeing.ts'
import type { Scheduling } from './schedule-answers.ts'
import { recorded } from './recorded.ts'
import type { Secrets } from './secret-answers.ts'
import { interrupted } from './watching.ts'

/** Finds the project (NOT_FOUND when there is none) and gives its verbs. Nothing is read but the folder's place. */
export async function openWith(parts: Parts, options: OpenOptions = {}): Promise<Project> {
  const place = await locateProject(options)
  const context: Context = {
    root: place.root,
    configFile: place.config ?? join(place.root, CONFIG_NAME),
    paths: pathsOf(place.root),
    parts,
    keyring: keyringOf(options.askPassphrase),
  }
  return recorded(context, facade(context, options))
}

// Each verb is loaded when it is first called: `hayai list` must not pay for restore.
function facade(context: Context, options: OpenOptions): Project {
  return {
    ...keeping(context),
    ...together(context),
    ...overseeing(context),
    ...keys(context, options),
    ...scheduling(context),
    ...secrets(context),
    ...notifying(context),
    root: context.root,
    name: basename(context.root),
    init: (request, watch) => guarded(watch, async () => (await import('./init.ts')).init(context, request, watch)),
    initDeclared: (options, watch) =>
      guarded(watch, async () => (await import('./init.ts')).initDeclared(context, options?.dryRun === true, watch)),
    validate: async () => (await import('./validate.ts')).validate(context),
    start: (names, options) => guarded(options, async () => (await import('./run.ts')).start(context, names, options)),
    stop: (names, options) => guarded(options, async () => (await import('./run.ts')).stop(context, names, options)),
    list: async (options) => (await import('./list.ts')).list(context, options?.running === true),
    connect: async (name) => (await import('./list.ts')).connect(context, name),
    logs: async (name, options, watch) =>
      (await import('./list.ts')).logs(context, name, { follow: options?.follow === true, lines: options?.lines ?? 100 }, watch),
    remove: async (name, options) =>
      (await import('./remove.ts')).remove(context, name, {
        keepData: options?.keepData === true,
        missingOk: options?.missingOk === true,
        dryRun: options?.dryRun === true,
      }),
    snapshot: (request, watch) => guarded(watch, async () => (await import('./snapshot.ts')).snapshot(context, request, watch)),
    snapshots: async (options) => (await import('./library.ts')).snapshots(context, options?.folder),
    restore: (request, watch) => guarded(watch, async () => (await import('./restore.ts')).restore(context, request, watch)),
    restorePieces: (request, watch) => guarded(watch, async () => (await import('./pieces.ts')).restorePieces(context, request, watch)),
    upgrade: (request, watch) => guarded(watch, async () => (await import('./upgrade.ts')).upgrade(context, request, watch)),
    clone: (request, watch) => guarded(watch, async () => (await import('./clone.ts')).clone(context, request, watch)),
    verify: (request, watch) => guarded(watch, async () => (await import('./verify.ts')).verify(context, request, watch)),
    diff: (request, watch) => guarded(watch, async () => (await import('./diff.ts')).diff(context, request, watch)),
    guard: (request, watch) => guarded(watch, async () => (await import('./guard.ts')).guard(context, request, watch)),
    undo: (name, options, watch) => guarded(watch, async () => (await import('./undo.ts')).undo(context, name, options ?? {}, watch)),
    redo: (name, options, watch) =>
      guarded(watch, async () => (await import('./undo.ts')).redo(context, name, options?.dryRun === true, watch)),
  }
}

function keeping(context: Context): SnapshotKeeping {
  return {
    showSnapshot: async (request) => (await import('./keeping.ts')).showSnapshot(context, request),
    renameSnapshot: async (request) => (await import('./keeping.ts')).renameSnapshot(context, request),
    annotateSnapshot: async (request) => (await import('./keeping.ts')).annotateSnapshot(context, request),
    deleteSnapshots: async (request) => (await import('./discard.ts')).deleteSnapshots(context, request),
    deletedSnapshots: async (options) => (await import('./discard.ts')).deletedSnapshots(context, options?.folder),
    undeleteSnapshots: async (request) => (await import('./discard.ts')).undeleteSnapshots(context, request),
    prune: async (request) => (await import('./prune.ts')).prune(context, request),
    exportSnapshot: (request, watch) => guarded(watch, async () => (await import('./parcels.ts')).exportSnapshot(context, request, watch)),
    importSnapshot: (request, watch) => guarded(watch, async () => (await import('./parcels.ts')).importSnapshot(context, request, watch)),
  }
}

function together(context: Context): Backups {
  return {
    backup: (request, watch) => guarded(watch, async () => (await import('./backup/make.ts')).backup(context, request ?? {}, watch)),
    backups: async (options) => (await import('./backup/keep.ts')).backups(context, options?.folder),
    showBackup: async (request) => (await import('./backup/keep.ts')).showBackup(context, request ?? {}),
    backupStatus: async (options) => (await import('./backup/keep.ts')).backupStatus(context, options?.folder),
    verifyBackup: (request, watch) =>
      guarded(watch, async () => (await import('./backup/verify.ts')).verifyBackup(context, request ?? {}, watch)),
    deleteBackups: async (request) => (await import('./backup/keep.ts')).deleteBackups(context, request),
    undeleteBackups: async (request) => (await import('./backup/keep.ts')).undeleteBackups(context, request),
    pruneBackups: async (request) => (await import('./backup/keep.ts')).pruneBackups(context, request),
    installScripts: async (options) => (await import('./scripts.ts')).installScripts(context, options?.dryRun === true),
    restoreBackup: (request, watch) =>
      guarded(watch, async () => (await import('./backup/restore.ts')).restoreBackup(context, request, watch)),
    undoAll: (options, watch) =>
      guarded(watch, async () => (await import('./backup/undo.ts')).undoAll(context, -1, options?.dryRun === true, watch)),
    redoAll: (options, watch) =>
      guarded(watch, async () => (await import('./backup/undo.ts')).undoAll(context, 1, options?.dryRun === true, watch)),
  }
}

function overseeing(context: Context): Overseeing {
  return {
    health: async (request) => (await import('./health.ts')).health(context, request),
    metrics: async (request) => (await import('./metrics.ts')).metrics(context, request),
    audit: async (request) => (await import('./audit-view.ts')).auditLog(context, request),
    report: async () => (await import('./report.ts')).report(context),
  }
}

function keys(context: Context, { askPassphrase }: OpenOptions): Keys {
  return {
    createKey: async (request) => (await import('./keys/keys.ts')).createKey(context, request ?? {}, askPassphrase),
    keys: async () => (await import('./keys/keys.ts')).keys(context),
    identities: async () => (await import('./keys/keys.ts')).identities(),
    addRecipient: async (request) => (await import('./keys/keys.ts')).addRecipient(context, request),
  }
}

function secrets(context: Context): Secrets {
  return {
    secrets: async () => (await import('./secrets/verbs.ts')).secrets(context),
    setSecret: async (request) => (await import('./secrets/verbs.ts')).setSecret(context, request),
    removeSecret: async (request) => (await import('./secrets/verbs.ts')).removeSecret(context, request),
  }
}

function scheduling(context: Context): Scheduling {
  return {
    async *daemon(watch) {
      yield* (await import('./schedule/daemon.ts')).daemon(context, watch)
    },
    schedule: async (program) => (await import('./schedule/install.ts')).schedule(context, program),
    installSchedule: async (request) => (await import('./schedule/install.ts')).installSchedule(context, request),
    removeSchedule: async (options) => (await import('./schedule/install.ts')).removeSchedule(context, options ?? {}),
    plans: async () => (await import('./schedule/show.ts')).planViews(context),
    runPlan: (request, watch) => guarded(watch, async () => (await import('./schedule/run.ts')).runPlan(context, request, watch)),
  }
}

function notifying(context: Context): Notifying {
  return {
    notifications: async () => (await import('./notify.ts')).notifications(context),
    testNotification: async (request) => (await import('./notify.ts')).testNotification(context, request),
  }
}

async function guarded<T>(watch: Watch | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw interrupted(watch ?? {}, error)
  }
}
