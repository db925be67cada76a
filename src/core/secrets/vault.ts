// `secrets_backend: vault`: HashiCorp Vault or OpenBao, the KV engine of version 2. Each secret is one of its own, at <mount>/<path>/<name>,
// with the field `value`. How to get in comes from the environment, as for their own programs: never from `.hayaidb`.

import { HayaiError } from '../../base/errors.ts'
import { Secret } from '../../base/secret.ts'
import type { SecretBackend } from './backend.ts'
import { vaultClient, type Answer, type VaultClient, type VaultPlace } from './vault-client.ts'

export interface VaultSettings {
  readonly address?: string
  readonly mount?: string
  readonly path?: string
  readonly namespace?: string
  readonly ca_cert?: string
  readonly role_id?: string
}

export function vaultBackend(settings: VaultSettings, project: string, root: string): SecretBackend {
  const { mount = 'secret', path = `hayai/${project}` } = settings
  const place = placeOf(settings, root)
  const client = vaultClient(place)
  const at = (kind: 'data' | 'metadata', name = ''): string =>
    [mount, kind, path, name]
      .flatMap((each) => each.split('/'))
      .filter((each) => each !== '')
      .map(encodeURIComponent)
      .join('/')
  return {
    name: 'vault',
    place: `${place.address.replace(/\/+$/, '')}/v1/${at('data')}`,
    async read(name) {
      const value = (await dataAt(client, at('data', name))).fields['value']
      return typeof value === 'string' ? new Secret(value) : undefined
    },
    async names() {
      const answer = await client.ask('GET', `${at('metadata')}?list=true`, { none: [404] })
      const keys = answer === undefined ? [] : partOf(answer, 'data', 'keys')
      const names = Array.isArray(keys) ? keys.filter((key): key is string => typeof key === 'string' && !key.endsWith('/')) : []
      const there = await Promise.all(
        names.map(async (name) => typeof (await dataAt(client, at('data', name))).fields['value'] === 'string'),
      )
      return names.filter((_, each) => there[each]).toSorted()
    },
    async write(name, value) {
      const { fields, version } = await dataAt(client, at('data', name))
      // Other fields stay; and what somebody else wrote in the meantime is not written over.
      const body = { options: { cas: version }, data: { ...fields, value: value.reveal() } }
      await client.ask('POST', at('data', name), { body })
    },
    async remove(name) {
      await client.ask('DELETE', at('data', name), { none: [404] })
    },
    undo: (name) => `Vault keeps the versions before: vault kv undelete -mount=${mount} -versions=N ${path}/${name}`,
  }
}

interface Data {
  readonly fields: Readonly<Record<string, unknown>>
  /** 0: there was none. */
  readonly version: number
}

/** Of one that was deleted, the version that was: Vault answers 404, and tells it even so. */
async function dataAt(client: VaultClient, path: string): Promise<Data> {
  const answer = await client.ask('GET', path, { none: [], also: [404] })
  const version = Number(partOf(answer, 'data', 'metadata', 'version') ?? 0)
  const fields = partOf(answer, 'data', 'data')
  return { fields: typeof fields === 'object' && fields !== null ? { ...fields } : {}, version }
}

function partOf(answer: Answer | undefined, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (found, key) => (typeof found === 'object' && found !== null && key in found ? (found as Record<string, unknown>)[key] : undefined),
    answer,
  )
}

function placeOf(settings: VaultSettings, root: string): VaultPlace {
  const from = (...names: readonly string[]): string | undefined =>
    names.map((name) => process.env[name]).find((value) => (value ?? '') !== '')
  const address = settings.address ?? from('VAULT_ADDR', 'BAO_ADDR')
  if (address === undefined) {
    throw new HayaiError('CONFIG_INVALID', 'it is not said where Vault is', {
      hint: 'Write `vault: {address: "https://..."}` under global.security of .hayaidb, or set VAULT_ADDR.',
    })
  }
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || (url.protocol !== 'https:' && !/^(127\.|localhost$|\[::1\]$)/.test(url.hostname))) {
    throw new HayaiError('CONFIG_INVALID', `${address} is no place for secrets: what goes to another machine must be encrypted`, {
      hint: 'Use an address that begins with https://.',
    })
  }
  const secretId = from('VAULT_SECRET_ID', 'BAO_SECRET_ID')
  const token = from('VAULT_TOKEN', 'BAO_TOKEN')
  return {
    address,
    root,
    namespace: settings.namespace ?? from('VAULT_NAMESPACE', 'BAO_NAMESPACE'),
    authority: settings.ca_cert ?? from('VAULT_CACERT', 'BAO_CACERT'),
    token: token === undefined ? undefined : new Secret(token),
    role: settings.role_id ?? from('VAULT_ROLE_ID', 'BAO_ROLE_ID'),
    secretId: secretId === undefined ? undefined : new Secret(secretId),
  }
}
