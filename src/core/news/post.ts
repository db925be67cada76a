// One request to a web service. What it answers is not read beyond its status; redirections are not followed.

import { readFile } from 'node:fs/promises'
import { request as plain } from 'node:http'
import { request as secured } from 'node:https'
import { rootCertificates } from 'node:tls'
import { Undelivered } from './undelivered.ts'

export interface Post {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly ca: string | undefined
  readonly signal: AbortSignal
}

/** Throws Undelivered when the answer is not 2xx; whatever the network throws besides. */
export async function post(url: URL, { headers, body, ca, signal }: Post): Promise<void> {
  const trusted = await trustedBy(ca)
  const status = await new Promise<number>((resolve, reject) => {
    const send = url.protocol === 'https:' ? secured : plain
    const bytes = Buffer.from(body)
    const asked = send(
      url,
      {
        method: 'POST',
        headers: { 'user-agent': 'hayai', 'content-length': bytes.byteLength, ...headers },
        agent: false,
        signal,
        ...(url.protocol === 'https:' && trusted !== undefined && { ca: trusted }),
      },
      (answer) => {
        answer.destroy()
        resolve(answer.statusCode ?? 0)
      },
    )
    asked.on('error', reject) // also what comes after the answer: it is taken then, and nobody waits for it
    asked.end(bytes)
  })
  if (status < 200 || status > 299) {
    throw new Undelivered(`it answered with status ${status}`, status >= 500 || status === 408 || status === 429)
  }
}

/** The well-known ones, and those of the file. */
export async function trustedBy(ca: string | undefined): Promise<string[] | undefined> {
  if (ca === undefined) return undefined
  try {
    return [...rootCertificates, await readFile(ca, 'utf8')]
  } catch {
    throw new Undelivered('its file `ca` cannot be read', false)
  }
}
