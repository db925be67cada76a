// A server of the tests that keeps to the HTTP API of Vault's KV engine, version 2, as it is documented: tokens with an end, AppRole,
// namespaces, check-and-set, versions that are deleted and can be had back, sealing. There was no Vault to be had.

import { randomUUID } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

interface Version {
  readonly data: Readonly<Record<string, unknown>>
  deleted: boolean
}

export interface VaultServer extends AsyncDisposable {
  readonly address: string
  readonly roleId: string
  readonly secretId: string
  sealed: boolean
  /** Paths that no token may touch. */
  readonly forbidden: Set<string>
  readonly namespace: string
  /** Every question that came: method and path. */
  readonly asked: string[]
  readonly secrets: Map<string, Version[]>
  /** A new token, which ends after so many seconds. */
  token(seconds: number, renewable?: boolean): string
  /** All tokens end now. */
  expire(): void
}

export async function startVault(certificate: { readonly cert: string; readonly key: string }): Promise<VaultServer> {
  const tokens = new Map<string, { until: number; readonly renewable: boolean }>()
  const issue = (seconds: number, renewable = true): string => {
    const token = `hvs.${randomUUID()}`
    tokens.set(token, { until: Date.now() + seconds * 1000, renewable })
    return token
  }
  const listener: RequestListener = (request, response) =>
    void answer(request, response).catch((error: unknown) => reply(response, 500, { errors: [String(error)] }))
  const server = createServer(certificate, listener)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const vault: VaultServer = {
    address: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    roleId: randomUUID(),
    secretId: randomUUID(),
    sealed: false,
    forbidden: new Set(),
    namespace: 'team-a',
    asked: [],
    secrets: new Map(),
    token: issue,
    expire: () => tokens.clear(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', vault.address)
    const path = decodeURIComponent(url.pathname).replace(/^\/v1\//, '')
    vault.asked.push(`${request.method} ${path}`)
    const body = (request.method === 'POST' ? JSON.parse(await text(request)) : {}) as Record<string, unknown>
    if (vault.sealed) return reply(response, 503, { errors: ['Vault is sealed'] })
    if (request.headers['x-vault-namespace'] !== vault.namespace) return reply(response, 404, { errors: ['no handler for route'] })
    if (path === 'auth/approle/login') {
      if (body['role_id'] !== vault.roleId || body['secret_id'] !== vault.secretId)
        return reply(response, 400, { errors: ['invalid role or secret ID'] })
      return reply(response, 200, { auth: { client_token: issue(3600), lease_duration: 3600, renewable: true } })
    }
    const given = String(request.headers['x-vault-token'])
    const token = tokens.get(given)
    if (token === undefined || token.until < Date.now()) return reply(response, 403, { errors: ['permission denied'] })
    const ttl = Math.round((token.until - Date.now()) / 1000)
    if (path === 'auth/token/lookup-self') return reply(response, 200, { data: { ttl, renewable: token.renewable } })
    if (path === 'auth/token/renew-self') {
      if (!token.renewable) return reply(response, 400, { errors: ['lease is not renewable'] })
      token.until = Date.now() + 3_600_000
      return reply(response, 200, { auth: { client_token: given, lease_duration: 3600, renewable: true } })
    }
    return keyValue(request.method ?? '', path, { url, body }, response)
  }

  function keyValue(
    method: string,
    path: string,
    { url, body }: { url: URL; body: Record<string, unknown> },
    response: ServerResponse,
  ): void {
    const [, kind, name = ''] = /^secret\/(data|metadata)\/(.*)$/.exec(path) ?? []
    if (kind === undefined) return reply(response, 404, { errors: [`no handler for route "${path}"`] })
    if (vault.forbidden.has(name)) return reply(response, 403, { errors: ['1 error occurred:\n\t* permission denied\n\n'] })
    const versions = vault.secrets.get(name) ?? []
    const newest = versions.at(-1)
    if (kind === 'metadata' && method === 'GET' && url.searchParams.get('list') === 'true') {
      const keys = [...vault.secrets.keys()].filter((key) => key.startsWith(`${name}/`)).map((key) => key.slice(name.length + 1))
      return keys.length === 0 ? reply(response, 404, { errors: [] }) : reply(response, 200, { data: { keys } })
    }
    const metadata = { version: versions.length, deletion_time: newest?.deleted === true ? new Date().toISOString() : '', destroyed: false }
    if (method === 'GET') {
      if (newest === undefined) return reply(response, 404, { errors: [] })
      if (newest.deleted) return reply(response, 404, { data: { data: null, metadata } })
      return reply(response, 200, { data: { data: newest.data, metadata } })
    }
    if (method === 'DELETE') {
      if (newest !== undefined) newest.deleted = true
      return reply(response, 204, undefined)
    }
    const { cas } = (body['options'] ?? {}) as { cas?: number }
    if (cas !== undefined && cas !== versions.length) {
      return reply(response, 400, { errors: ['check-and-set parameter did not match the current version'] })
    }
    vault.secrets.set(name, [...versions, { data: body['data'] as Record<string, unknown>, deleted: false }])
    return reply(response, 200, { data: { version: versions.length + 1 } })
  }
  return vault
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' })
  response.end(body === undefined ? undefined : JSON.stringify(body))
}
