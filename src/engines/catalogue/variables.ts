// The variables that an image wants: templates of the catalogue, filled with the login, and what `.hayaidb` declares, which weighs more.

import { createHash } from 'node:crypto'
import { Secret } from '../../base/secret.ts'
import type { Settings } from '../engine.ts'
import type { Entry } from './entry.ts'
import { PORTABLE } from './portable.ts'

type Environment = Readonly<Record<string, string>>

/** Where its image wants a login, one that Hayai makes, or the declared one; of a server with a token that is the password. */
export function loginOf(entry: Entry, environment: Environment, password: Secret): Settings {
  const said = (template: string): string | undefined =>
    Object.entries(entry.environment).flatMap(([name, each]) => (each === template ? [environment[name]] : []))[0]
  const open = Object.fromEntries(Object.entries(environment).filter(([name]) => !isHidden(entry, name)))
  const names = entry.native === undefined ? { server: open, unknown: [] } : { server: {}, unknown: Object.keys(environment) }
  if (!/\{(user|password)\}/.test(Object.values(entry.environment).join(' ')))
    return { user: '', password: new Secret(''), database: '', ...names }
  // Empty is what has been declared and is kept elsewhere: it is the password then that is given.
  const orGiven = (value: string | undefined): Secret => (value === undefined || value === '' ? password : new Secret(value))
  const called = entry.portable?.token?.names.find((name) => environment[name] !== undefined)
  const declared = said('{password}')
  const token = called === undefined ? undefined : orGiven(environment[called])
  return {
    user: said('{user}') ?? 'hayai',
    password: token ?? orGiven(declared),
    database: said('{database}') ?? 'hayai',
    secrets: {
      ...whole(entry, environment),
      ...(token === undefined ? {} : { [PASSWORD]: declared === undefined || declared === '' ? shortOf(token) : new Secret(declared) }),
    },
    ...(token === undefined ? {} : { format: PORTABLE }),
    ...names,
  }
}

/** The password where the token is another; no image has a variable of this name. */
const PASSWORD = 'password'

/** A token may be longer than a password can be. The same token gives the same one: the server was made with it. */
function shortOf(token: Secret): Secret {
  return new Secret(createHash('sha256').update(token.reveal()).digest('base64url'))
}

/** What is declared of variables in which a secret is a part of more. */
function whole({ environment: templates }: Entry, environment: Environment): Readonly<Record<string, Secret>> {
  const found = Object.entries(templates).flatMap(([name, template]) => {
    const value = environment[name]
    return SECRET.test(template) && !/^\{\w+\}$/.test(template) && value !== undefined ? [[name, new Secret(value)] as const] : []
  })
  return Object.fromEntries(found)
}

const SECRET = /\{(password|token)\}/

/** What may not be seen, whoever says it. */
function isHidden({ environment, portable }: Entry, name: string): boolean {
  return SECRET.test(environment[name] ?? '') || (portable?.token?.names.includes(name) ?? false)
}

/** Those that are no secret, with those that `.hayaidb` declares. */
export function openVariables(entry: Entry, settings: Settings): Environment {
  return { ...filled(entry, settings, false), ...settings.server }
}

export function hiddenVariables(entry: Entry, settings: Settings): Environment {
  const { secrets = {} } = settings
  const variables = Object.entries(filled(entry, settings, true))
  return Object.fromEntries(variables.map(([name, value]) => [name, secrets[name]?.reveal() ?? value]))
}

function filled({ environment }: Entry, settings: Settings, hidden: boolean): Environment {
  const { user, password: token, database, secrets = {} } = settings
  const wanted = Object.entries(environment).filter(([, template]) => SECRET.test(template) === hidden)
  const values = { user, password: (secrets[PASSWORD] ?? token).reveal(), token: token.reveal(), database }
  return Object.fromEntries(
    wanted.map(([name, template]) => [
      name,
      Object.entries(values).reduce((text, [key, value]) => text.replaceAll(`{${key}}`, () => value), template),
    ]),
  )
}
