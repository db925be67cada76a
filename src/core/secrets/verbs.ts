// secrets: what there is by name, one more, and one less.

import { HayaiError } from '../../base/errors.ts'
import type { Secret } from '../../base/secret.ts'
import { secretIn } from '../../project/references.ts'
import { configOf, type Context } from '../context.ts'
import type { RemoveSecretAnswer, SecretsAnswer, SecretUse, SetSecretAnswer } from '../secret-answers.ts'
import { backendOf, checkSecretName } from './backend.ts'

export async function secrets(context: Context): Promise<SecretsAnswer> {
  const backend = await backendOf(context)
  const names = await backend.names()
  const uses: SecretUse[] = []
  for (const [database, { environment }] of Object.entries((await configOf(context))?.databases ?? {})) {
    for (const [variable, value] of Object.entries(environment)) {
      const name = secretIn(value)
      if (name !== undefined) uses.push({ database, variable, name, there: (await backend.read(checkSecretName(name))) !== undefined })
    }
  }
  return { backend: backend.name, place: backend.place, names, uses }
}

export async function setSecret(
  context: Context,
  request: { readonly name: string; readonly value: Secret; readonly dryRun?: boolean },
): Promise<SetSecretAnswer> {
  const name = checkSecretName(request.name)
  if (request.value.reveal() === '') throw new HayaiError('USAGE', 'a secret cannot be empty', { hint: `hayai secrets remove ${name}` })
  const backend = await backendOf(context)
  const replaced = (await backend.read(name)) !== undefined
  const answer = { name, backend: backend.name, place: backend.place, replaced, dryRun: request.dryRun === true }
  if (answer.dryRun) return answer
  await backend.write(name, request.value)
  return answer
}

export async function removeSecret(
  context: Context,
  request: { readonly name: string; readonly dryRun?: boolean },
): Promise<RemoveSecretAnswer> {
  const name = checkSecretName(request.name)
  const backend = await backendOf(context)
  if ((await backend.read(name)) === undefined) {
    throw new HayaiError('NOT_FOUND', `there is no secret "${name}" in ${backend.place}`, { hint: 'hayai secrets list' })
  }
  const answer = { name, backend: backend.name, place: backend.place, undo: backend.undo(name), dryRun: request.dryRun === true }
  if (answer.dryRun) return answer
  await backend.remove(name)
  return answer
}
