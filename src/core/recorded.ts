// The verbs that change something, as acts of the audit log. A dry run changes nothing and is none; neither is what only looks.

import type { Project } from './answers.ts'
import { acting, type Act } from './audit.ts'
import type { Context } from './context.ts'

/** The same verbs, each of which also writes down who did it, when, and how it ended. */
export function recorded(context: Context, project: Project): Project {
  const act = <T>(dryRun: boolean | undefined, what: Act, work: () => Promise<T>): Promise<T> =>
    dryRun === true ? work() : acting(context, what, work)
  const named = (name: string | undefined): Pick<Act, 'databases'> => (name === undefined ? {} : { databases: [name] })
  return {
    ...project,
    init: (request, watch) => act(request.dryRun, { verb: 'init', ...named(request.name) }, () => project.init(request, watch)),
    initDeclared: (options, watch) => act(options?.dryRun, { verb: 'init' }, () => project.initDeclared(options, watch)),
    start: (names, options) => act(options?.dryRun, { verb: 'start', databases: names }, () => project.start(names, options)),
    stop: (names, options) => act(options?.dryRun, { verb: 'stop', databases: names }, () => project.stop(names, options)),
    remove: (name, options) => act(options?.dryRun, { verb: 'remove', ...named(name) }, () => project.remove(name, options)),
    snapshot: (request, watch) =>
      act(request.dryRun, { verb: 'snapshot', ...named(request.database) }, () => project.snapshot(request, watch)),
    restore: (request, watch) =>
      act(request.dryRun, { verb: 'restore', ...named(request.to), of: request.reference }, () => project.restore(request, watch)),
    restorePieces: (request, watch) =>
      act(request.dryRun, { verb: 'restore', ...named(request.to), of: request.reference }, () => project.restorePieces(request, watch)),
    upgrade: (request, watch) =>
      act(request.dryRun, { verb: 'upgrade', ...named(request.database) }, () => project.upgrade(request, watch)),
    clone: (request, watch) => act(request.dryRun, { verb: 'clone', ...named(request.to) }, () => project.clone(request, watch)),
    guard: (request, watch) => act(request.dryRun, { verb: 'guard', databases: request.databases }, () => project.guard(request, watch)),
    undo: (name, options, watch) => act(options?.dryRun, { verb: 'undo', ...named(name) }, () => project.undo(name, options, watch)),
    redo: (name, options, watch) => act(options?.dryRun, { verb: 'redo', ...named(name) }, () => project.redo(name, options, watch)),
    undoAll: (options, watch) => act(options?.dryRun, { verb: 'undo --all' }, () => project.undoAll(options, watch)),
    redoAll: (options, watch) => act(options?.dryRun, { verb: 'redo --all' }, () => project.redoAll(options, watch)),
    renameSnapshot: (request) =>
      act(request.dryRun, { verb: 'snapshot rename', of: request.reference }, () => project.renameSnapshot(request)),
    annotateSnapshot: (request) =>
      act(request.dryRun, { verb: 'snapshot annotate', of: request.reference }, () => project.annotateSnapshot(request)),
    deleteSnapshots: (request) =>
      act(request.dryRun, { verb: 'snapshot delete', of: request.references.join(' ') }, () => project.deleteSnapshots(request)),
    undeleteSnapshots: (request) =>
      act(request.dryRun, { verb: 'snapshot undelete', of: request.references.join(' ') }, () => project.undeleteSnapshots(request)),
    prune: (request) => act(request.dryRun, { verb: 'prune', databases: request.databases ?? [] }, () => project.prune(request)),
    importSnapshot: (request, watch) => act(request.dryRun, { verb: 'snapshot import' }, () => project.importSnapshot(request, watch)),
    backup: (request, watch) =>
      act(request?.dryRun, { verb: 'backup', databases: request?.databases ?? [] }, () => project.backup(request, watch)),
    restoreBackup: (request, watch) =>
      act(request.dryRun, { verb: 'backup restore', databases: request.databases ?? [], of: request.reference ?? 'latest' }, () =>
        project.restoreBackup(request, watch),
      ),
    deleteBackups: (request) =>
      act(request.dryRun, { verb: 'backup delete', of: request.references.join(' ') }, () => project.deleteBackups(request)),
    undeleteBackups: (request) =>
      act(request.dryRun, { verb: 'backup undelete', of: request.references.join(' ') }, () => project.undeleteBackups(request)),
    pruneBackups: (request) => act(request.dryRun, { verb: 'backup prune' }, () => project.pruneBackups(request)),
    installSchedule: (request) => act(request.dryRun, { verb: 'schedule install' }, () => project.installSchedule(request)),
    removeSchedule: (options) => act(options?.dryRun, { verb: 'schedule remove' }, () => project.removeSchedule(options)),
    createKey: (request) => act(request?.dryRun, { verb: 'keys create' }, () => project.createKey(request)),
    setSecret: (request) => act(request.dryRun, { verb: 'secrets set', of: request.name }, () => project.setSecret(request)),
    removeSecret: (request) => act(request.dryRun, { verb: 'secrets remove', of: request.name }, () => project.removeSecret(request)),
    addRecipient: (request) => act(request.dryRun, { verb: 'keys add', of: request.recipient }, () => project.addRecipient(request)),
  }
}
