// The variables that an image wants: templates of the catalogue, filled with the login, and what `.hayaidb` declares, which weighs more.

import { Secret } from '../../base/secret.ts'
import type { Settings } from '../engine.ts'
import type { Entry } from './entry.ts'

type Environment = Readonly<Record<string, string>>

/** Where its image wants a login, one that Hayai makes, or the declared one. */
export function loginOf(entry: Entry, environment: Environment, password: Secret): Settings {
  const said = (template: string): string | undefined =>
    Object.entries(entry.environment).flatMap(([name, each]) => (each === template ? [environment[name]] : []))[0]
  const known = Object.values(entry.environment).join(' ')
  const names = entry.native === undefined ? { server: environment, unknown: [] } : { server: {}, unknown: Object.keys(environment) }
  if (!/\{(user|password)\}/.test(known)) return { user: '', password: new Secret(''), database: '', ...names }
  const declared = said('{password}')
  return {
    user: said('{user}') ?? 'hayai',
    password: declared === undefined ? password : new Secret(declared),
    database: said('{database}') ?? 'hayai',
    ...names,
  }
}

/** Those that are no secret, with those that `.hayaidb` declares. */
export function openVariables(entry: Entry, settings: Settings): Environment {
  return { ...filled(entry, settings, false), ...settings.server }
}

export function hiddenVariables(entry: Entry, settings: Settings): Environment {
  const declared = Object.keys(settings.server)
  return Object.fromEntries(Object.entries(filled(entry, settings, true)).filter(([name]) => !declared.includes(name)))
}

function filled({ environment }: Entry, { user, password, database }: Settings, hidden: boolean): Environment {
  const wanted = Object.entries(environment).filter(([, template]) => template.includes('{password}') === hidden)
  const values = { user, password: password.reveal(), database }
  return Object.fromEntries(
    wanted.map(([name, template]) => [
      name,
      Object.entries(values).reduce((text, [key, value]) => text.replaceAll(`{${key}}`, value), template),
    ]),
  )
}
