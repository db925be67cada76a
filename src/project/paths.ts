// Every place of a project on disk, in one list. Nobody else joins these paths, so no name can leave the project.

import { join, resolve } from 'node:path'
import { HayaiError } from '../base/errors.ts'
import { resolveInside } from '../base/files.ts'
import { checkName } from '../base/names.ts'

export const CONFIG_NAME = '.hayaidb'
export const OWN_FOLDER = '.hayai'

/** All absolute. The functions throw USAGE for what is not a database's name. */
export interface Paths {
  readonly root: string
  /** What people declare; in git. */
  readonly config: string
  /** This machine's own folder, ignored by git. */
  readonly own: string
  readonly ignoreFile: string
  readonly catalog: string
  /** The catalog as it was before its last change. */
  readonly previousCatalog: string
  /** Held while the catalog is changed. */
  readonly lock: string
  /** Held while `.hayaidb` is edited. */
  readonly configLock: string
  /** What a switch of several databases is about to do, and the lock of whoever does it. */
  readonly journal: string
  readonly togetherLock: string
  /** Who did what; how long that log is, and its last digest; and a lock held while a line is written. */
  readonly auditLog: string
  readonly auditHead: string
  readonly auditLock: string
  /** What the hooks of plans printed. */
  readonly hooksLog: string
  /** What was told to whom, and a lock for who tells that a plan is silent. */
  readonly told: string
  readonly toldLock: string
  /** Held while certificates are made. */
  readonly certificatesLock: string
  /** What became of the runs of plans; a lock for each plan, one for who runs plans now, and that of the daemon. */
  readonly runs: string
  readonly planLock: (plan: string) => string
  readonly scheduleLock: string
  readonly daemonLock: string
  /** What was put into a database, table by table or key by key; `id` is the database's own. */
  readonly piecesFolder: (id: string) => string
  /** The parents of dataDir(), runDir() and of the locks and secrets. */
  readonly data: string
  readonly run: string
  readonly logs: string
  readonly locks: string
  readonly secrets: string
  /** What the project has in Docker. */
  readonly compose: string
  readonly trashFolder: string
  readonly snapshots: string
  readonly backups: string
  /** The generations of a database. */
  readonly dataDir: (name: string) => string
  readonly runDir: (name: string) => string
  readonly logFile: (name: string) => string
  /** Held by a command while it works on this database. */
  readonly databaseLock: (name: string) => string
  /** Held while manifests of snapshots are changed, or snapshots given other names or removed. */
  readonly snapshotsLock: string
  /** Shared by those who read a snapshot, and held alone by who takes it away from them. */
  readonly snapshotLock: (id: string) => string
  readonly secretFile: (name: string) => string
  /** Where a removed database waits for its grace period to end; `id` is the database's own. */
  readonly trash: (name: string, id: string) => string
}

export function pathsOf(root: string): Paths {
  const base = resolve(root)
  const own = join(base, OWN_FOLDER)
  const inside = (folder: string, name: string, ending = '') => resolveInside(join(own, folder), checkName(name) + ending)
  return {
    root: base,
    config: join(base, CONFIG_NAME),
    own,
    ignoreFile: join(own, '.gitignore'),
    catalog: join(own, 'catalog.json'),
    previousCatalog: join(own, 'catalog.previous.json'),
    lock: join(own, 'lock'),
    configLock: join(own, 'config.lock'),
    journal: join(own, 'together.json'),
    togetherLock: join(own, 'together.lock'),
    auditLog: join(own, 'audit.log'),
    certificatesLock: join(own, 'certificates.lock'),
    auditHead: join(own, 'audit.head'),
    auditLock: join(own, 'audit.lock'),
    hooksLog: join(own, 'logs', 'hooks.log'),
    told: join(own, 'told.jsonl'),
    toldLock: join(own, 'told.lock'),
    runs: join(own, 'runs.jsonl'),
    planLock: (plan) => resolveInside(join(own, 'locks', 'plans'), plan),
    scheduleLock: join(own, 'schedule.lock'),
    daemonLock: join(own, 'daemon.lock'),
    data: join(own, 'data'),
    run: join(own, 'run'),
    logs: join(own, 'logs'),
    locks: join(own, 'locks'),
    secrets: join(own, 'secrets'),
    compose: join(own, 'compose'),
    trashFolder: join(own, 'trash'),
    snapshots: join(base, 'snapshots'),
    backups: join(base, 'backups'),
    snapshotsLock: join(own, 'snapshots.lock'),
    snapshotLock: (id) => resolveInside(join(own, 'locks', 'snapshots'), checkSnapshotId(id)),
    dataDir: (name) => inside('data', name),
    runDir: (name) => inside('run', name),
    logFile: (name) => inside('logs', name, '.log'),
    databaseLock: (name) => inside('locks', name),
    secretFile: (name) => inside('secrets', name, '.json'),
    piecesFolder: (id) => resolveInside(join(own, 'pieces'), checkId(id)),
    trash: (name, id) => inside('trash', name, `.${checkId(id)}`),
  }
}

export const ID_PATTERN = /^[0-9a-zA-Z][0-9a-zA-Z-]{0,63}$/

function checkId(id: string): string {
  if (!ID_PATTERN.test(id)) {
    throw new HayaiError('USAGE', `${JSON.stringify(id)} is not the id of a database`, { hint: 'Run `hayai list --json` to see the ids.' })
  }
  return id
}

function checkSnapshotId(id: string): string {
  if (!/^[0-9a-f]{32}$/.test(id)) throw new HayaiError('USAGE', `${JSON.stringify(id)} is not the id of a snapshot`)
  return id
}
