// validate: is `.hayaidb` right, what of it exists, and what in it has no effect.

import { HayaiError } from '../base/errors.ts'
import { Secret } from '../base/secret.ts'
import { readCatalog } from '../project/catalog.ts'
import { loadConfig, type LoadedConfig } from '../project/config.ts'
import { filled, secretIn } from '../project/references.ts'
import { readSecret } from '../project/secrets.ts'
import type { ValidateAnswer } from './answers.ts'
import { certificateFolder, engineOf, vocabularyOf, type Context } from './context.ts'
import { planViews } from './schedule/show.ts'

/** Throws CONFIG_INVALID with every problem and its place; NOT_FOUND when there is no such file. */
export async function validate(context: Context): Promise<ValidateAnswer> {
  const loaded = await loadConfig(context.configFile, vocabularyOf(context))
  if (loaded === undefined) {
    throw new HayaiError('NOT_FOUND', `there is no ${context.configFile}`, { hint: 'Run `hayai init -n mydb -e sqlite` to begin one.' })
  }
  const { config, where } = loaded
  const existing = (await readCatalog(context.root)).databases
  const warnings = [...loaded.warnings]
  for (const [name, declared] of Object.entries(config.databases)) {
    const engine = engineOf(context, declared.engine)
    const environment = shownFor(name, declared.environment, loaded, warnings)
    const { unknown, password, user } = engine.settings(environment, new Secret(''))
    for (const variable of unknown) {
      warnings.push(`${where(['databases', name, 'environment', variable])}: ${variable} of "${name}" has no effect on ${engine.title}.`)
    }
    const made = await readSecret(context.root, name)
    if (existing[name] !== undefined && made !== undefined && declaresOther({ password, user }, made)) {
      warnings.push(
        `${where(['databases', name])}: "${name}" was made with another login than the one declared now; the one it was made with holds.`,
      )
    }
  }
  return {
    file: context.configFile,
    project: config.project ?? context.root.split('/').at(-1) ?? '',
    databases: Object.entries(config.databases).map(([name, { engine }]) => ({ name, engine, exists: existing[name] !== undefined })),
    plans: await planViews(context),
    certificates: await certificatesOf(context, loaded, warnings),
    warnings,
  }
}

/** Without what only a backend knows; told of what is not there, or not enabled. */
function shownFor(
  database: string,
  environment: Readonly<Record<string, string>>,
  { config, where }: LoadedConfig,
  warnings: string[],
): Readonly<Record<string, string>> {
  const shown: Record<string, string> = {}
  for (const [variable, value] of Object.entries(environment)) {
    const place = where(['databases', database, 'environment', variable])
    const { text, missing } = filled(value, process.env)
    if (missing.length === 0 && secretIn(value) === undefined) shown[variable] = text
    for (const name of missing) warnings.push(`${place}: ${variable} of "${database}" stands for ${name}, which is not set.`)
    if (secretIn(value) === undefined || config.security?.enable_secrets === true) continue
    throw new HayaiError('CONFIG_INVALID', `${place}: ${variable} of "${database}" is a secret, and secrets are not enabled`, {
      hint: 'Write `enable_secrets: true` and `secrets_backend: file` (or env, or vault) under global.security.',
    })
  }
  return shown
}

/** Throws CONFIG_INVALID when those that are there do not do. */
async function certificatesOf(
  context: Context,
  { config, where }: LoadedConfig,
  warnings: string[],
): Promise<ValidateAnswer['certificates']> {
  const { enable_ssl: encrypted, ssl_cert_path: path = './ssl' } = config.security ?? {}
  if (encrypted !== true) return []
  const { certificateThere } = await import('../project/tls/folder.ts')
  const found: { readonly database: string; readonly until: string | null }[] = []
  for (const [database, { engine: called, container }] of Object.entries(config.databases)) {
    const { recipe, title } = engineOf(context, called)
    if (recipe.shape === 'file') continue
    if (!recipe.secures || container !== undefined) {
      const who = recipe.secures ? 'a container that others made' : title
      warnings.push(`${where(['databases', database])}: connections to "${database}" are not encrypted: Hayai cannot make ${who} do that.`)
      continue
    }
    const there = await certificateThere(certificateFolder(context, config.project, path), database)
    found.push({ database, until: there?.until.toISOString() ?? null })
  }
  return found
}

function declaresOther(declared: { password: Secret; user: string }, made: { password: Secret; user?: string }): boolean {
  const password = declared.password.reveal()
  return (password !== '' && password !== made.password.reveal()) || (made.user !== undefined && declared.user !== made.user)
}
