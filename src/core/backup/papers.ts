// What lies in a backup beside the snapshots: logs, configuration, and a page for people. No secret of the project gets there: what is
// known as one is blotted out wherever it stands.

import { createReadStream } from 'node:fs'
import { join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { meter, once, type Bytes } from '../../base/bytes.ts'
import { output } from '../../base/exec.ts'
import { exists, readIfThere } from '../../base/files.ts'
import { AGE_EXTENSION, encrypt } from '../../snapshots/age.ts'
import type { Paper } from '../../snapshots/backup-manifest.ts'
import { CONFIG_NAME } from '../../project/paths.ts'
import { blotted, withoutSecrets } from '../../project/redact.ts'
import { readSecret } from '../../project/secrets.ts'
import type { Store } from '../../stores/store.ts'
import type { Context, Database } from '../context.ts'

export async function putPaper(store: Store, name: string, bytes: Bytes): Promise<Paper> {
  const measured = meter(bytes)
  await store.put(name, measured.bytes, { ifAbsent: true })
  return { name, ...measured.digest() }
}

/** The passwords of the project, none of which may get into a backup in the clear. */
export async function secretsOf(context: Context, databases: readonly Database[]): Promise<readonly string[]> {
  const found: string[] = []
  for (const { name, placement } of databases) {
    const { password, secrets } = placement.settings
    const made = await readSecret(context.root, name)
    for (const each of [password, made?.password, ...Object.values(secrets ?? {})]) if (each !== undefined) found.push(each.reveal())
  }
  return [...new Set(found)].filter((secret) => secret.length >= SHORTEST)
}

/** Shorter ones would blot out half of every text. */
const SHORTEST = 4

/**
 * Each server's log, by its engine where it is the only one of its kind, and Hayai's own. They may quote what is in the databases:
 * where those are encrypted, so are they.
 */
export async function putLogs(
  context: Context,
  store: Store,
  databases: readonly Database[],
  secrets: readonly string[],
  recipients: readonly string[],
) {
  const papers: Paper[] = []
  const put = async (name: string, file: string): Promise<void> => void papers.push(await putLog(store, name, file, secrets, recipients))
  for (const { name, engine, placement } of databases) {
    if (!(await exists(placement.logFile))) continue
    const alone = databases.filter((each) => each.engine.name === engine.name).length === 1
    await put(`logs_backup/${alone ? engine.name : `${engine.name}-${name}`}.log`, placement.logFile)
  }
  if (await exists(context.paths.auditLog)) await put('logs_backup/hayai.log', context.paths.auditLog)
  return papers
}

function putLog(store: Store, name: string, file: string, secrets: readonly string[], recipients: readonly string[]): Promise<Paper> {
  async function* lines(): Bytes {
    const input = createReadStream(file, 'latin1') // byte for byte, whatever a server writes
    const known = secrets.map((secret) => Buffer.from(secret, 'utf8').toString('latin1'))
    for await (const line of createInterface({ input, crlfDelay: Infinity })) yield Buffer.from(`${blotted(line, known)}\n`, 'latin1')
  }
  return recipients.length === 0 ? putPaper(store, name, lines()) : putPaper(store, name + AGE_EXTENSION, encrypt(lines(), recipients))
}

/** A shorter one may be a word that means something else too: `postgres`. There, names tell what is a secret. */
const LONG = 12

const COMPOSE_FILES = ['docker-compose.yml', 'docker-compose.yaml', 'compose.yml', 'compose.yaml']

export interface Configured {
  readonly databases: readonly Database[]
  readonly secrets: readonly string[]
  /** The settings in force, by database; where a server did not tell them, those that it was told stand for them. */
  readonly inForce: ReadonlyMap<string, Readonly<Record<string, string>>>
}

/** `.hayaidb`, the compose file where there is one, and each server's settings in force. */
export async function putConfiguration(context: Context, store: Store, { databases, secrets, inForce }: Configured) {
  const papers: Paper[] = []
  const long = secrets.filter((secret) => secret.length >= LONG)
  const put = async (name: string, text: string): Promise<void> =>
    void papers.push(await putPaper(store, `config/${name}`, once(blotted(text, long))))
  const declared = await readIfThere(context.configFile)
  if (declared !== undefined) await put(CONFIG_NAME, withoutSecrets(declared))
  for (const name of COMPOSE_FILES) {
    const text = await readIfThere(join(context.root, name))
    if (text !== undefined) await put(name, withoutSecrets(text))
  }
  for (const { name, engine, placement } of databases) {
    const { user, database, server } = placement.settings
    const known = {
      engine: engine.name,
      version: placement.version ?? null,
      port: placement.port,
      user,
      database,
      settings: inForce.get(name) ?? server,
    }
    if (engine.recipe.shape === 'server') await put(`${name}.settings.json`, `${JSON.stringify(known, null, 2)}\n`)
  }
  return papers
}

const WORDS = {
  en: {
    created: 'Backup created at',
    folder: 'Directory',
    compose: 'Docker Compose version',
    unused: 'not used',
    none: 'not installed',
    included: 'Containers included',
    total: 'Number of databases',
    partial: 'PARTIAL: not in it',
  },
  pt: {
    created: 'Backup criado em',
    folder: 'Diretório',
    compose: 'Versão Docker Compose',
    unused: 'não usado',
    none: 'não instalado',
    included: 'Containers incluídos',
    total: 'Total de bancos',
    partial: 'PARCIAL: não incluídos',
  },
} as const

interface Page {
  readonly language: 'en' | 'pt'
  readonly at: Date
  /** Where the backup will be. */
  readonly path: string
  /** The containers of what is in it; of a database that is in none, its name. */
  readonly included: readonly string[]
  readonly missing: readonly string[]
  /** null where nothing runs in it. */
  readonly compose: string | null | undefined
}

export async function putInfo(context: Context, store: Store, { language, at, path, included, missing, compose }: Page): Promise<Paper> {
  const words = WORDS[language]
  const near = relative(context.root, path)
  const lines = [
    `${words.created}: ${dateText(at)}`,
    `${words.folder}: ${near.startsWith('..') ? path : near}`,
    `${words.compose}: ${compose === null ? words.unused : (compose ?? words.none)}`,
    `${words.included}: ${included.join(' ')}`,
    `${words.total}: ${included.length}`,
    ...(missing.length === 0 ? [] : [`${words.partial}: ${missing.join(' ')}`]),
  ]
  return putPaper(store, 'backup_info.txt', once(`${lines.join('\n')}\n`))
}

/** The version of Docker Compose; undefined where there is none. It takes its time: to be asked while other work is on its way. */
export async function composeVersion(): Promise<string | undefined> {
  for (const [file, ...args] of [
    ['docker', 'compose', 'version', '--short'],
    ['docker-compose', 'version', '--short'],
  ] as const) {
    try {
      return await output({ file, args })
    } catch {
      // a note for people: without Docker there is none
    }
  }
  return undefined
}

/** `Mon Jan  8 10:30:45 -03 2026`: what `date` prints. */
export function dateText(at: Date): string {
  const parts = new Map(
    new Intl.DateTimeFormat('en-US', {
      weekday: 'short',
      month: 'short',
      day: 'numeric',
      year: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
      timeZoneName: 'short',
    })
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  )
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? ''
  const zone = part('timeZoneName').replace(
    /^GMT([+-])(\d{1,2})(?::(\d\d))?$/,
    (_, sign, hours, minutes) => sign + String(hours).padStart(2, '0') + (minutes ?? ''),
  )
  return `${part('weekday')} ${part('month')} ${part('day').padStart(2)} ${part('hour')}:${part('minute')}:${part('second')} ${zone} ${part('year')}`
}

/** `20260108_103045`, as the clock of this machine has it. */
export function folderNameOf(at: Date): string {
  const two = (number: number): string => String(number).padStart(2, '0')
  const day = `${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}`
  return `${day}_${two(at.getHours())}${two(at.getMinutes())}${two(at.getSeconds())}`
}
