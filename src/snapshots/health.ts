// Is a database's data safe? What is known of its copies goes in, what is wrong with them comes out: no file and no clock is asked here.

export interface Copy {
  readonly id: string
  /** What people call it: the name of its file. */
  readonly name: string
  readonly time: Date
  readonly format: string
  /** Before compression, and as it lies there. */
  readonly plain: number
  readonly stored: number
  /** What is wrong with its files, as far as a look at the folder tells. */
  readonly flaw: string | undefined
  readonly verified: { readonly at: Date; readonly ok: boolean } | undefined
}

export interface Subject {
  readonly database: string
  /** In any order. */
  readonly copies: readonly Copy[]
  /** When each whole backup with this database in it was made. */
  readonly backups: readonly Date[]
}

export interface Room {
  readonly folder: string
  readonly free: number
  /** How much the newest copies in it take: those that come next will take about as much. */
  readonly next: number
}

export type Kind =
  | 'snapshot-missing'
  | 'snapshot-old'
  | 'snapshot-damaged'
  | 'unproven'
  | 'refuted'
  | 'size'
  | 'backup-missing'
  | 'backup-old'
  | 'disk'
  | 'archiving'
  | 'plan-failed'
  | 'plan-silent'
  | 'undelivered'
  | 'metrics'
  | 'certificate'

export interface Finding {
  readonly kind: Kind
  /** null for what is no single database's: the disk. */
  readonly database: string | null
  /** A whole sentence. */
  readonly message: string
  /** What to type or to do about it. */
  readonly hint: string
}

export interface Limits {
  readonly now: Date
  /** Milliseconds: what is older is not recent. */
  readonly maxAge: number
  /** The same as people wrote it. */
  readonly maxAgeText: string
}

/** A size is compared with the median of so many before it, and only where there are enough of them. */
const BEFORE = 5
const FEWEST = 3

/** By how much it may differ: under half or over double is told. */
const FACTOR = 2

/** Free space must be this many times what the next copies will take: as much as a size may grow without being told. */
const SPARE = 2

export function judgeDatabase(subject: Subject, limits: Limits): readonly Finding[] {
  return [...snapshotFindings(subject, limits), ...sizeFindings(subject), ...backupFindings(subject, limits)]
}

export function judgeRoom({ folder, free, next }: Room): readonly Finding[] {
  if (free >= next * SPARE) return []
  const message = `The disk of ${folder} has ${number(free)} bytes free; the next copies there take about ${number(next)}, and ${number(next * SPARE)} should be.`
  return [
    { kind: 'disk', database: null, message, hint: 'Make room: `hayai prune --keep-last 3 --daily 7 --dry-run`, or `-o` another disk.' },
  ]
}

/** What cannot be read may be the newest one, of whatever database. */
export function judgeUnread(reason: string): Finding {
  const hint = 'Make it readable, or move it away.'
  return { kind: 'snapshot-damaged', database: null, message: `A snapshot cannot be read: ${reason}.`, hint }
}

function snapshotFindings({ database, copies }: Subject, limits: Limits): readonly Finding[] {
  const sorted = newestFirst(copies)
  const found: Finding[] = sorted.flatMap(({ name, flaw, id }) => (flaw === undefined ? [] : [damaged(database, name, flaw, id)]))
  const whole = sorted.filter(({ flaw }) => flaw === undefined)
  const [newest] = whole
  if (newest === undefined) {
    const message = sorted.length === 0 ? `There is no snapshot of "${database}".` : `There is no whole snapshot of "${database}".`
    return [...found, { kind: 'snapshot-missing', database, message, hint: `hayai snapshot ${database}` }]
  }
  const recent = whole.filter(({ time }) => isRecent(time, limits))
  if (recent.length === 0) {
    const message = `The newest whole snapshot of "${database}" is ${ageText(newest.time, limits.now)} old; it should be at most ${limits.maxAgeText}.`
    found.push({ kind: 'snapshot-old', database, message, hint: `hayai snapshot ${database}` })
  }
  return [...found, ...proofFindings(database, recent.length === 0 ? [newest] : recent)]
}

function damaged(database: string, name: string, flaw: string, id: string): Finding {
  const message = `The snapshot ${name} of "${database}" is damaged: ${flaw}.`
  return { kind: 'snapshot-damaged', database, message, hint: `hayai snapshot delete ${id.slice(0, 8)}` }
}

/** Of the recent ones at least one must have been restored aside and counted; and none may have failed that. */
function proofFindings(database: string, recent: readonly Copy[]): readonly Finding[] {
  const refuted = recent.filter(({ verified }) => verified?.ok === false)
  const found: Finding[] = refuted.map(({ name }) => ({
    kind: 'refuted',
    database,
    message: `The snapshot ${name} of "${database}" did not pass verification.`,
    hint: `hayai snapshot ${database}`,
  }))
  if (!recent.some(({ verified }) => verified?.ok === true)) {
    const message = `No recent snapshot of "${database}" has been verified.`
    found.push({ kind: 'unproven', database, message, hint: `hayai snapshot verify ${database} --latest` })
  }
  return found
}

/** The newest against those before it of the same format, by what they hold unpacked: compression is no change of size. */
function sizeFindings({ database, copies }: Subject): readonly Finding[] {
  const [newest, ...others] = newestFirst(copies.filter(({ flaw }) => flaw === undefined))
  const before = others.filter(({ format }) => format === newest?.format).slice(0, BEFORE)
  if (newest === undefined || before.length < FEWEST) return []
  const usual = median(before.map(({ plain }) => plain))
  if (newest.plain * FACTOR >= usual && newest.plain <= usual * FACTOR) return []
  const way = newest.plain < usual ? 'less than half' : 'more than double'
  const message =
    `The newest snapshot of "${database}" holds ${number(newest.plain)} bytes: ${way} of what is usual ` +
    `(${number(usual)}, the median of the ${before.length} before it).`
  return [{ kind: 'size', database, message, hint: `hayai diff ${database}@latest ${database}` }]
}

function backupFindings({ database, backups }: Subject, limits: Limits): readonly Finding[] {
  const newest = backups.toSorted((a, b) => b.getTime() - a.getTime())[0]
  const hint = 'hayai backup'
  if (newest === undefined)
    return [{ kind: 'backup-missing', database, message: `There is no whole backup with "${database}" in it.`, hint }]
  if (isRecent(newest, limits)) return []
  const message = `The newest whole backup with "${database}" in it is ${ageText(newest, limits.now)} old; it should be at most ${limits.maxAgeText}.`
  return [{ kind: 'backup-old', database, message, hint }]
}

function number(bytes: number): string {
  return bytes.toLocaleString('en')
}

function newestFirst(copies: readonly Copy[]): readonly Copy[] {
  return copies.toSorted((a, b) => b.time.getTime() - a.time.getTime())
}

function isRecent(time: Date, { now, maxAge }: Limits): boolean {
  return now.getTime() - time.getTime() <= maxAge
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2
}

/** `31 h`, and from two days on `5 days`. */
export function ageText(time: Date, now: Date): string {
  const hours = Math.max(0, (now.getTime() - time.getTime()) / 3600_000)
  if (hours < 1) return `${Math.floor(hours * 60)} min`
  return hours < 48 ? `${Math.floor(hours)} h` : `${Math.floor(hours / 24)} days`
}
