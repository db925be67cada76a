// The socket of a Docker on this machine. What is merely looked at is asked for there: the daemon answers in a thirtieth of the time
// that its program takes to start and ask the same. Whatever is not plain (another machine, a key, a refusal) is left to the program,
// which knows all that can be configured, and says what is wrong.

import { createHash } from 'node:crypto'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { text } from '../../base/bytes.ts'
import { findOnPath } from '../../base/exec.ts'
import { readIfThere } from '../../base/files.ts'

/**
 * What Docker's API answers to GET: the object, or null where there is no such thing. undefined when it has to be asked in another way.
 * Without a version in its path, which is the newest that the daemon knows.
 */
export async function answerAt(path: string): Promise<unknown> {
  try {
    if ((await findOnPath('docker')) === undefined) return undefined // nothing can be done then, and it says so
    const socketPath = await socketOf(process.env)
    if (socketPath === undefined) return undefined
    const { status, body } = await got(socketPath, path)
    if (status === 200) return JSON.parse(body) as unknown
    return status === 404 && /no such/i.test(body) ? null : undefined
  } catch {
    return undefined
  }
}

/**
 * The socket of the Docker that its program would choose: DOCKER_HOST, else the context that is named by DOCKER_CONTEXT or in
 * config.json, else the usual one. undefined where that is not a socket. (docker/cli, cli/command/cli.go: resolveContextName)
 */
export async function socketOf(environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  const { DOCKER_HOST: host, DOCKER_CONTEXT: named, DOCKER_CONFIG: folder = join(homedir(), '.docker') } = environment
  if (environment['DOCKER_TLS_VERIFY'] || environment['DOCKER_TLS'] || environment['DOCKER_API_VERSION']) return undefined
  if (host) return inAddress(host)
  const context = named || configured(await readIfThere(join(folder, 'config.json')))
  if (!context || context === 'default') return '/var/run/docker.sock'
  const key = createHash('sha256').update(context).digest('hex')
  const meta = await readIfThere(join(folder, 'contexts', 'meta', key, 'meta.json'))
  return meta === undefined ? undefined : inAddress((JSON.parse(meta) as Meta).Endpoints?.docker?.Host ?? '')
}

interface Meta {
  readonly Endpoints?: { readonly docker?: { readonly Host?: string } }
}

function configured(content: string | undefined): string | undefined {
  return content === undefined ? undefined : (JSON.parse(content) as { readonly currentContext?: string }).currentContext
}

function inAddress(address: string): string | undefined {
  return address.startsWith('unix:///') ? address.slice('unix://'.length) : undefined
}

async function got(socketPath: string, path: string): Promise<{ readonly status: number; readonly body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ readonly status: number; readonly body: string }>()
  const { request } = process.getBuiltinModule('node:http') // an import of it loads all that it has, which takes longer than to ask
  request({ socketPath, path, agent: false, headers: { host: 'docker' } }, (response) => {
    text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject)
  })
    .on('error', reject)
    .end()
  return promise
}
