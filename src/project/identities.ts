// Identities of age on this machine: secret keys that open encrypted snapshots, each in a file for its owner alone, outside of every
// project and never beside what it opens. Files are those of the age programs: `age -d -i FILE` reads them.

import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { HayaiError, systemCode } from '../base/errors.ts'
import { createDurably, makeFolder } from '../base/files.ts'
import { Secret } from '../base/secret.ts'
import { onFile } from './refusals.ts'

export interface IdentityFile {
  readonly file: string
  /** By its name, which Hayai gave it; undefined of one that somebody put there. */
  readonly recipient: string | undefined
}

export function identitiesFolder(): string {
  return join(process.env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'hayai', 'identities')
}

/** HAYAI_IDENTITY names a file, and then there is no other. */
export async function identityFiles(): Promise<readonly IdentityFile[]> {
  const named = process.env['HAYAI_IDENTITY']
  if (named !== undefined && named !== '') return [{ file: resolve(named), recipient: undefined }]
  const folder = identitiesFolder()
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries
      .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => ({ file: join(folder, name), recipient: /^(age1[0-9a-z]+)\.(?:txt|age)$/.exec(name)?.[1] }))
      .toSorted((a, b) => a.file.localeCompare(b.file))
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw error
  }
}

/** Throws NOT_FOUND when it is gone, WRONG_STATE when others than the owner may read it: then it is no secret. */
export async function readIdentityFile(file: string): Promise<Buffer> {
  return onFile(file, 'read', async () => {
    try {
      const { mode } = await stat(file)
      if ((mode & 0o077) !== 0) {
        throw new HayaiError('WRONG_STATE', `${file} holds a secret key, and others than its owner may open it`, {
          hint: `Run \`chmod 600 ${file}\`.`,
        })
      }
      return await readFile(file)
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error
      throw new HayaiError('NOT_FOUND', `there is no identity file ${file}`, {
        hint: 'HAYAI_IDENTITY names it; without that, they are in ' + identitiesFolder(),
        cause: error,
      })
    }
  })
}

/** The secret keys in the text of such a file; undefined when it is none. */
export function identitiesIn(content: Secret): readonly Secret[] | undefined {
  const lines = content
    .reveal()
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
  const isKey = (line: string): boolean => /^AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}$/.test(line)
  return lines.length > 0 && lines.every(isKey) ? lines.map((line) => new Secret(line)) : undefined
}

/** As `age-keygen` writes them. */
export function identityText(identity: Secret, recipient: string, at: Date): Secret {
  return new Secret(`# created: ${at.toISOString()}\n# public key: ${recipient}\n${identity.reveal()}\n`)
}

export function identityPath(recipient: string, locked: boolean): string {
  return join(identitiesFolder(), `${recipient}.${locked ? 'age' : 'txt'}`)
}

/** Keeps a new one; `content` is its text, or that under a passphrase. */
export async function keepIdentity(file: string, content: Secret | Uint8Array): Promise<void> {
  await makeFolder(identitiesFolder())
  await putNew(file, content instanceof Secret ? content.reveal() : content)
}

/** A sheet that a person asked for, in a file that they named. */
export async function writeSheet(file: string, sheet: Secret): Promise<void> {
  await putNew(file, sheet.reveal())
}

async function putNew(file: string, content: string | Uint8Array): Promise<void> {
  const made = await onFile(file, 'written', () => createDurably(file, content))
  if (!made) throw new HayaiError('CONFLICT', `${file} is already there`, { hint: 'Choose another name.' })
}

export async function forget(file: string): Promise<void> {
  await rm(file, { force: true })
}
