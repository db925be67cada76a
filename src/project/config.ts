// `.hayaidb`: what people declare. Reading and editing it is loaded when it is first needed, because parsing YAML and
// checking it costs more than all else that a quick command does.

import { readFile, realpath, stat } from 'node:fs/promises'
import { basename, relative } from 'node:path'
import { HayaiError, systemCode } from '../base/errors.ts'
import { writeDurably } from '../base/files.ts'
import { withLock } from '../base/locks.ts'
import { NAME_PATTERN } from '../base/names.ts'
import { makeOwnFolder, type KeptDeclaration } from './catalog.ts'
import type { Path } from './document.ts'
import type { Notification } from './notifications.ts'
import type { Plan } from './plans.ts'
import { onFile } from './refusals.ts'
import type { RawConfig, Vocabulary } from './schema.ts'

type Raw<K extends keyof RawConfig> = NonNullable<RawConfig[K]>
type RawDatabase = Raw<'databases'>[string]

/** A database as `.hayaidb` writes it. */
export type DatabaseDeclaration = Readonly<RawDatabase>

/** A database as it was meant: every value of `environment` is text, and so is the version. */
export interface DatabaseConfig extends Omit<DatabaseDeclaration, 'version' | 'environment' | 'volumes' | 'port'> {
  /** On loopback. */
  readonly port?: number
  /** In its container, where it is said. */
  readonly listens?: number
  readonly version?: string
  readonly environment: Readonly<Record<string, string>>
  readonly volumes: readonly string[]
}

export interface Config {
  readonly project: string | undefined
  readonly databases: Readonly<Record<string, DatabaseConfig>>
  /** Tables whose rows a backup also exports, of every database that has them. */
  readonly tables: readonly string[]
  readonly backup: Raw<'global'>['backup'] | undefined
  /** What is taken by itself. */
  readonly plans: readonly Plan[]
  /** Who is told how that goes. */
  readonly notifications: readonly Notification[]
  readonly security: Raw<'global'>['security'] | undefined
}

export interface LoadedConfig {
  /** How the file is called in messages. */
  readonly file: string
  readonly config: Config
  /** What is allowed but has no effect yet; each a whole sentence with its place. */
  readonly warnings: readonly string[]
  /** `file:line:column` of a key, for warnings that others have: `where(['databases', 'mydb', 'port'])`. */
  readonly where: (path: Path) => string
}

/** undefined where there is no such file. Throws CONFIG_INVALID with all that is wrong. */
export async function loadConfig(file: string, vocabulary: Vocabulary): Promise<LoadedConfig | undefined> {
  const text = await readText(file)
  if (text === undefined) return undefined
  const key = JSON.stringify([file, vocabulary, text])
  if (last?.key !== key)
    last = { key, loaded: import('./check.ts').then(({ checkConfig }) => checkConfig(text, shortName(file), vocabulary)) }
  return last.loaded
}
// One command asks for each database of the project: the text is read every time, but parsed once.
let last: { readonly key: string; readonly loaded: Promise<LoadedConfig> } | undefined

export async function readConfig(file: string, engines: readonly string[], described: readonly string[] = []): Promise<Config | undefined> {
  return (await loadConfig(file, { engines, described }))?.config
}

/** Declares a database; the file is made where there is none. CONFLICT when it declares that name already. */
export async function addToConfig(
  root: string,
  file: string,
  name: string,
  declaration: DatabaseDeclaration | KeptDeclaration,
): Promise<void> {
  const { addDatabase } = await import('./edit.ts')
  const { entry, source } = 'entry' in declaration ? declaration : { entry: declaration, source: null }
  await edit(root, file, `declaring "${name}"`, (text) => addDatabase(text, name, entry, source))
}

/** Takes a database out of the file and gives back what it said; null when the file does not declare it. */
export async function removeFromConfig(root: string, file: string, name: string): Promise<KeptDeclaration | null> {
  const { declarationOf, removeDatabase } = await import('./edit.ts')
  let kept: KeptDeclaration | null = null
  await edit(root, file, `taking "${name}" out`, (text) => {
    kept = declarationOf(text, name)
    return kept === null ? text : removeDatabase(text, name)
  })
  return kept
}

/** What the file says of a database, as it is written there; null when it does not declare it, or is not there. */
export async function declarationIn(file: string, name: string): Promise<KeptDeclaration['entry'] | null> {
  const text = await readText(file)
  if (text === undefined) return null
  const { declarationOf } = await import('./edit.ts')
  return declarationOf(text, name)?.entry ?? null
}

/** Sets the version of a database where the file declares it and says another. */
export async function setVersionInConfig(root: string, file: string, name: string, version: string): Promise<void> {
  const { declarationOf, setValue } = await import('./edit.ts')
  await edit(root, file, `setting the version of "${name}"`, (text) => {
    const entry = declarationOf(text, name)?.entry
    return entry === undefined || String(entry['version']) === version ? text : setValue(text, name, 'version', version)
  })
}

/** Names one more age recipient; nothing changes when it is named already. */
export async function addRecipientToConfig(root: string, file: string, recipient: string): Promise<void> {
  const { addRecipient } = await import('./edit-recipients.ts')
  await edit(root, file, 'adding a recipient', (text) => addRecipient(text, recipient))
}

/** Changes the text of the file, alone, and durably. */
async function edit(root: string, file: string, purpose: string, change: (text: string) => string): Promise<void> {
  const { configLock } = await makeOwnFolder(root)
  await withLock(configLock, { purpose: `${purpose} (${basename(file)})` }, async () => {
    const before = await readText(file)
    const start = before ?? firstLines(root)
    const after = change(start)
    if (after === start) return
    await onFile(file, 'written', async () => {
      const real = before === undefined ? file : await realpath(file) // a link stays a link
      await writeDurably(real, after, before === undefined ? 0o644 : (await stat(real)).mode & 0o777)
    })
  })
}

/** What a new file begins with. The project is called like its folder, where that can be a name. */
function firstLines(root: string): string {
  const name = basename(root).toLowerCase()
  return `version: "1.0"\n${NAME_PATTERN.test(name) ? `project: ${JSON.stringify(name)}\n` : ''}`
}

async function readText(file: string): Promise<string | undefined> {
  const bytes = await onFile(file, 'read', async () => {
    try {
      return await readFile(file)
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined
      throw error
    }
  })
  if (bytes === undefined) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw new HayaiError('CONFIG_INVALID', `${shortName(file)} is not UTF-8 text`, { hint: 'Save it as UTF-8.', cause: error })
  }
}

function shortName(file: string): string {
  const short = relative(process.cwd(), file)
  return short === '' || short.startsWith('..') ? file : short
}
