// keys: an identity is made once and printed; its recipient goes into `.hayaidb`, and from then on the machines that write need no
// secret at all.

import { basename, dirname, relative, resolve } from 'node:path'
import { HayaiError } from '../../base/errors.ts'
import { exists } from '../../base/files.ts'
import { Secret } from '../../base/secret.ts'
import { addRecipientToConfig } from '../../project/config.ts'
import {
  forget,
  identitiesIn,
  identitiesFolder,
  identityFiles,
  identityPath,
  identityText,
  keepIdentity,
  readIdentityFile,
  writeSheet,
} from '../../project/identities.ts'
import { checkRecipient, isAge, lockWith, newIdentity, recipientOf } from '../../snapshots/age.ts'
import { configOf, type Context } from '../context.ts'
import type { AddRecipientAnswer, CreateKeyAnswer, CreateKeyRequest, IdentityView, KeysAnswer } from '../key-answers.ts'
import { passphraseFor, type AskPassphrase } from './keyring.ts'
import { sheetText } from './sheet.ts'

export async function createKey(context: Context, request: CreateKeyRequest, ask: AskPassphrase | undefined): Promise<CreateKeyAnswer> {
  const sheet = request.sheet === undefined ? null : resolve(request.sheet)
  if (sheet !== null) await checkSheet(context, sheet)
  await configOf(context) // one that is not valid is told of before anything is made
  const plan = [
    `make an identity, and keep it in ${identitiesFolder()}${request.passphrase === true ? ' under a passphrase' : ''}`,
    sheet === null ? 'show its recovery sheet, once' : `write its recovery sheet to ${sheet}`,
    `add its recipient to ${context.configFile}`,
  ]
  const base = { declared: context.configFile, plan, dryRun: request.dryRun === true }
  if (base.dryRun) return { ...base, recipient: null, identity: null, sheet, shown: null }
  const passphrase = request.passphrase === true ? await passphraseFor('the new identity', ask) : undefined
  const { identity, recipient } = await newIdentity()
  const at = new Date()
  const text = identityText(identity, recipient, at)
  const file = identityPath(recipient, passphrase !== undefined)
  const paper = sheetText({ identity, recipient, project: basename(context.root), at })
  await keepIdentity(file, passphrase === undefined ? text : await lockWith(passphrase, text))
  let written = false
  try {
    if (sheet !== null) await writeSheet(sheet, paper)
    written = sheet !== null
    await addRecipientToConfig(context.root, context.configFile, recipient) // last: nothing is encrypted for what nobody has
  } catch (error) {
    await forget(file)
    if (sheet !== null && written) await forget(sheet)
    throw error
  }
  return { ...base, recipient, identity: file, sheet, shown: sheet === null ? paper : null }
}

async function checkSheet({ root }: Context, sheet: string): Promise<void> {
  if (!relative(root, sheet).startsWith('..')) {
    throw new HayaiError('USAGE', 'the recovery sheet may not lie in the project, beside what it opens', {
      hint: 'Name a file elsewhere, print it, and delete it.',
    })
  }
  if (await exists(sheet)) throw new HayaiError('CONFLICT', `${sheet} is already there`, { hint: 'Choose another name.' })
  if (!(await exists(dirname(sheet)))) throw new HayaiError('NOT_FOUND', `there is no folder ${dirname(sheet)}`, { hint: 'Make it first.' })
}

export async function keys(context: Context): Promise<KeysAnswer> {
  const backup = (await configOf(context))?.backup
  const here = await identities()
  const recipients = (backup?.recipients ?? []).map((recipient) => ({
    recipient,
    identity: here.find((each) => each.recipient === recipient)?.file ?? null,
  }))
  return { encryption: backup?.encryption === true, recipients }
}

/** No passphrase is asked for: the name of a file says whose it is, if Hayai gave it. */
export async function identities(): Promise<readonly IdentityView[]> {
  const views: IdentityView[] = []
  for (const { file, recipient } of await identityFiles()) {
    const content = await readIdentityFile(file)
    const passphrase = isAge(content)
    const found = passphrase ? [] : (identitiesIn(new Secret(content.toString('utf8'))) ?? [])
    if (found.length === 0) views.push({ file, recipient: recipient ?? null, passphrase })
    for (const identity of found) views.push({ file, recipient: await recipientOf(identity), passphrase })
  }
  return views
}

export async function addRecipient(
  context: Context,
  request: { readonly recipient: string; readonly dryRun?: boolean },
): Promise<AddRecipientAnswer> {
  const recipient = await checkRecipient(request.recipient)
  const there = (await configOf(context))?.backup?.recipients ?? []
  const added = !there.includes(recipient)
  const dryRun = request.dryRun === true
  if (added && !dryRun) await addRecipientToConfig(context.root, context.configFile, recipient)
  return { recipient, added, recipients: added ? [...there, recipient] : there, dryRun }
}
