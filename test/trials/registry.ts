// A registry of the trial's own on loopback: Docker's, as Debian packages it, with images that are pushed to it, and taken away again
// from the Docker that shall fetch them.

import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../src/base/ports.ts'
import { docker } from '../runtimes/compose/docker.ts'
import { sh } from './stage.ts'

export const noRegistry = existsSync('/usr/bin/docker-registry') ? undefined : 'no docker-registry on this machine'

export interface Registry {
  /** `localhost:5000` */
  readonly at: string
  /** An image like that one, and never the same; gone from this Docker once it is there. Its digest. */
  push(name: string, like: string): Promise<string>
  /** Takes an image away from it. */
  forget(name: string, digest: string): Promise<void>
  stop(): Promise<void>
  close(): Promise<void>
}

/** `login`: the password file that lets people in. */
export async function startRegistry(login?: { readonly htpasswd: string; readonly as: string }): Promise<Registry> {
  const folder = await mkdtemp(join(tmpdir(), 'hayai-trial-registry-'))
  const port = await freePort()
  const at = `localhost:${port}`
  const settings = {
    version: '0.1',
    log: { accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, 'content') }, delete: { enabled: true } },
    http: { addr: `127.0.0.1:${port}` },
    ...(login === undefined ? {} : { auth: { htpasswd: { realm: 'trial', path: join(folder, 'htpasswd') } } }),
  }
  await writeFile(join(folder, 'config.yml'), JSON.stringify(settings))
  if (login !== undefined) await writeFile(join(folder, 'htpasswd'), `${login.htpasswd}\n`)
  const server = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' })
  await untilAnswers(server, at)
  const headers = login === undefined ? {} : { authorization: `Basic ${Buffer.from(login.as).toString('base64')}` }
  const stop = async (): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return
    server.kill('SIGTERM')
    await once(server, 'exit')
  }
  return {
    at,
    async push(name, like) {
      const [reference, context] = [`${at}/${name}`, await mkdtemp(join(folder, 'image-'))]
      await writeFile(join(context, 'Dockerfile'), `FROM ${like}\nCOPY content /content\n`)
      await writeFile(join(context, 'content'), randomBytes(2_000_000))
      sh('docker', ['build', '--quiet', '--tag', reference, context], { DOCKER_BUILDKIT: '0' })
      docker('push', '--quiet', reference)
      const digest = /@(sha256:\w+)/.exec(docker('image', 'inspect', '--format', '{{index .RepoDigests 0}}', reference))?.[1] ?? ''
      forgetHere(reference)
      return digest
    },
    async forget(name, digest) {
      const answer = await fetch(`http://${at}/v2/${name}/manifests/${digest}`, { method: 'DELETE', headers })
      if (!answer.ok) throw new Error(`the registry answers ${answer.status}`)
    },
    stop,
    async close() {
      await stop()
      // By their names: the same image may have others, which are not this trial's.
      const names = docker('image', 'ls', '--digests', '--format', '{{.Repository}} {{.Tag}} {{.Digest}}', `${at}/*`).split('\n')
      for (const line of names) {
        const [repository = '', tag, digest] = line.split(' ')
        if (repository !== '') docker('rmi', '--force', tag === '<none>' ? `${repository}@${digest}` : `${repository}:${tag}`)
      }
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** As on an engine that never had it: neither its name nor its content is there. */
export function forgetHere(reference: string): void {
  docker('rmi', '--force', docker('image', 'inspect', '--format', '{{.Id}}', reference))
}

async function untilAnswers(server: ChildProcess, at: string): Promise<void> {
  for (let left = 200; ; left--) {
    try {
      await fetch(`http://${at}/v2/`)
      return
    } catch (error) {
      if (left === 0 || server.exitCode !== null) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
