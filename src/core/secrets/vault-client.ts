// The HTTP API of Vault and OpenBao: one question at a time, with a token that is got, renewed and got again as need be. Each way in which
// it can refuse has words of its own.

import { readFile } from 'node:fs/promises'
import { request as requestPlain } from 'node:http'
import { request as requestSecure } from 'node:https'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { HayaiError, messageOf, systemCode } from '../../base/errors.ts'
import { readIfThere } from '../../base/files.ts'
import { Secret } from '../../base/secret.ts'

export interface VaultPlace {
  readonly address: string
  /** Relative paths are from here. */
  readonly root: string
  readonly namespace: string | undefined
  /** The file of the certificate by which the server's is checked. */
  readonly authority: string | undefined
  readonly token: Secret | undefined
  readonly role: string | undefined
  readonly secretId: Secret | undefined
}

export type Answer = Readonly<Record<string, unknown>>

interface Question {
  readonly body?: unknown
  /** Statuses that mean: there is nothing. The answer is undefined then. */
  readonly none?: readonly number[]
  /** Statuses whose answer is one, too. */
  readonly also?: readonly number[]
}

export interface VaultClient {
  ask(method: 'GET' | 'POST' | 'DELETE', path: string, question?: Question): Promise<Answer | undefined>
}

const PATIENCE = 10_000
/** A token with less than this left is renewed, or got anew. */
const SHORT = 60_000

interface Token {
  readonly value: Secret
  /** Milliseconds since 1970; Infinity of one that does not end, or does not say. */
  readonly until: number
  readonly renewable: boolean
  /** It can be got again. */
  readonly ours: boolean
}

export function vaultClient(place: VaultPlace): VaultClient {
  let token: Promise<Token> | undefined

  async function current(): Promise<Token> {
    const now = await (token ??= place.role !== undefined && place.secretId !== undefined ? logIn(place) : given(place))
    if (now.until - Date.now() > SHORT) return now
    token = (now.renewable ? renewed(place, now) : Promise.resolve(undefined)).then((next) => {
      if (next !== undefined && next.until - Date.now() > SHORT) return next
      if (now.ours) return logIn(place)
      return next ?? now
    })
    return token
  }

  return {
    async ask(method, path, { body, none = [], also = [] } = {}) {
      for (let attempt = 1; ; attempt += 1) {
        const used = await current()
        const { status, answer } = await send(place, method, path, body, used.value)
        // Where nothing is kept it gives no reason; where there is no such engine, it does.
        const absent = status !== 404 || reasonsIn(answer).length === 0
        if (absent && none.includes(status)) return undefined
        if (status < 300 || (absent && also.includes(status))) return answer
        // A token that had expired, or was taken back: once more with a new one.
        if (status === 403 && used.ours && attempt === 1) token = undefined
        else throw refusal(place, status, answer, `${method} ${path.replace(/\?.*$/, '')}`)
      }
    },
  }
}

async function logIn(place: VaultPlace): Promise<Token> {
  const body = { role_id: place.role, secret_id: place.secretId?.reveal() }
  const { status, answer } = await send(place, 'POST', 'auth/approle/login', body, undefined)
  if (status === 400 || status === 403) {
    throw environment(
      `${place.address} does not accept the AppRole: ${wordsOf(answer)}`,
      'Look at VAULT_ROLE_ID and VAULT_SECRET_ID, which may have expired.',
    )
  }
  if (status >= 300) throw refusal(place, status, answer, 'the login by AppRole')
  const token = tokenIn(answer, true)
  if (token === undefined) throw strange(place)
  return token
}

async function given(place: VaultPlace): Promise<Token> {
  const value = place.token ?? (await kept())
  if (value === undefined) {
    throw environment('there is no token for Vault', 'Set VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID; or log in with `vault login`.')
  }
  const { status, answer } = await send(place, 'GET', 'auth/token/lookup-self', undefined, value)
  if (status === 403)
    throw environment(`${place.address} does not accept the token: it is wrong, or has expired`, 'Get a new one: `vault login`.')
  if (status >= 300) throw refusal(place, status, answer, 'auth/token/lookup-self')
  const { ttl, renewable } = (answer['data'] ?? {}) as Answer
  return { value, until: endOf(ttl), renewable: renewable === true, ours: false }
}

/** What `vault login` has left. */
async function kept(): Promise<Secret | undefined> {
  const text = (await readIfThere(join(homedir(), '.vault-token')))?.trim()
  return text === undefined || text === '' ? undefined : new Secret(text)
}

/** undefined where it cannot be any more. */
async function renewed(place: VaultPlace, token: Token): Promise<Token | undefined> {
  const { status, answer } = await send(place, 'POST', 'auth/token/renew-self', {}, token.value)
  return status < 300 ? tokenIn(answer, token.ours) : undefined
}

function tokenIn(answer: Answer, ours: boolean): Token | undefined {
  const { client_token: value, lease_duration: seconds, renewable } = (answer['auth'] ?? {}) as Answer
  if (typeof value !== 'string') return undefined
  return { value: new Secret(value), until: endOf(seconds), renewable: renewable === true, ours }
}

function endOf(seconds: unknown): number {
  return typeof seconds === 'number' && seconds > 0 ? Date.now() + seconds * 1000 : Number.POSITIVE_INFINITY
}

interface Reply {
  readonly status: number
  readonly answer: Answer
}

async function send(place: VaultPlace, method: string, path: string, body: unknown, token: Secret | undefined): Promise<Reply> {
  let url = new URL(`${place.address.replace(/\/+$/, '')}/v1/${path}`)
  for (let hops = 0; ; hops += 1) {
    const { status, text, location } = await exchange(place, method, url, body, token)
    // A server on standby names the active one. What was encrypted stays so.
    if (status === 307 && location !== undefined && hops < 3) {
      const next = new URL(location, url)
      if (url.protocol === 'https:' && next.protocol !== 'https:') throw strange(place)
      url = next
      continue
    }
    try {
      const answer: unknown = text === '' ? {} : JSON.parse(text)
      if (typeof answer === 'object' && answer !== null) return { status, answer: { ...answer } }
    } catch {
      // told below: what it says may be anything
    }
    if (status >= 300) return { status, answer: {} }
    throw strange(place)
  }
}

interface Raw {
  readonly status: number
  readonly text: string
  readonly location: string | undefined
}

async function exchange(place: VaultPlace, method: string, url: URL, body: unknown, token: Secret | undefined): Promise<Raw> {
  const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
  const headers: Record<string, string> = {
    'X-Vault-Request': 'true',
    ...(token === undefined ? {} : { 'X-Vault-Token': token.reveal() }),
    ...(place.namespace === undefined ? {} : { 'X-Vault-Namespace': place.namespace }),
    ...(content === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': String(content.byteLength) }),
  }
  const ca = await authorityOf(place)
  const options = { method, headers, signal: AbortSignal.timeout(PATIENCE), ...(ca === undefined ? {} : { ca }) }
  return new Promise((done, fail) => {
    const unreachable = (error: unknown): void => fail(unreached(place, error))
    const sent = (url.protocol === 'https:' ? requestSecure : requestPlain)(url, options, (response) => {
      const parts: Uint8Array[] = []
      response.on('data', (part: Uint8Array) => parts.push(part))
      response.on('error', unreachable)
      response.on('end', () =>
        done({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8'), location: response.headers.location }),
      )
    })
    sent.on('error', unreachable)
    sent.end(content)
  })
}

async function authorityOf({ authority, root }: VaultPlace): Promise<Buffer | undefined> {
  if (authority === undefined) return undefined
  const file = resolve(root, authority)
  return readFile(file).catch((cause: unknown) => {
    throw new HayaiError('CONFIG_INVALID', `${file}, by which the certificate of Vault is to be checked, cannot be read`, { cause })
  })
}

function unreached({ address }: VaultPlace, error: unknown): HayaiError {
  if (systemCode(error) === 'ABORT_ERR') {
    return environment(`${address} says nothing for ${PATIENCE / 1000} s`, 'Look whether Vault runs there.', error)
  }
  const code = systemCode(error) ?? ''
  if (/CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS/.test(code)) {
    return environment(
      `the certificate of ${address} is not to be trusted: ${messageOf(error)}`,
      'Name the file of its authority: `ca_cert` under global.security.vault, or VAULT_CACERT.',
      error,
    )
  }
  return environment(
    `${address} cannot be reached: ${messageOf(error) || code}`,
    'Look whether Vault runs there, and at VAULT_ADDR.',
    error,
  )
}

function refusal(place: VaultPlace, status: number, answer: Answer, what: string): HayaiError {
  const { address } = place
  const words = wordsOf(answer)
  if (status === 503) {
    const sealed = /sealed/i.test(words)
    return sealed
      ? environment(`Vault at ${address} is sealed: nobody can read from it`, 'Unseal it: `vault operator unseal`.')
      : environment(`${address} is not available: ${words}`, 'Try again in a moment.')
  }
  if (status === 501) return environment(`Vault at ${address} is not initialised`, 'Do that: `vault operator init`.')
  if (status === 403)
    return environment(`${address} does not allow ${what}: ${words}`, 'Give the token a policy that allows it; or it has expired.')
  if (status === 404)
    return environment(
      `${address} cannot ${what}: ${words}`,
      'Look at `namespace` and `mount` under global.security.vault: it must be a KV engine of version 2.',
    )
  if (status === 400 && /check-and-set/.test(words)) {
    return new HayaiError('CONFLICT', 'somebody else has written that secret at the same time', { hint: 'Look at it, and try again.' })
  }
  return environment(`${address} refuses ${what} (status ${status}): ${words}`, 'Look at the log of Vault.')
}

function wordsOf(answer: Answer): string {
  return reasonsIn(answer).join('; ') || 'it gives no reason'
}

function reasonsIn({ errors }: Answer): readonly string[] {
  return Array.isArray(errors) ? errors.map(String) : []
}

function strange({ address }: VaultPlace): HayaiError {
  return environment(`${address} answers something that is not the API of Vault`, 'Look at VAULT_ADDR.')
}

function environment(message: string, hint: string, cause?: unknown): HayaiError {
  return new HayaiError('ENVIRONMENT', message, { hint, ...(cause === undefined ? {} : { cause }) })
}
