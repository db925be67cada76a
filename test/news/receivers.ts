// Whom the tests tell something: real servers on loopback, for the web and for mail.

import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecured } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

export interface Request {
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

export interface Receiver {
  readonly url: string
  readonly got: Request[]
  /** What it answers from now on; 0: it never answers. */
  answer: number
  close(): Promise<void>
}

export async function webReceiver(certificate?: Certificate): Promise<Receiver> {
  const got: Request[] = []
  const receiver = { got, answer: 200 }
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    got.push({ path: request.url ?? '', headers: request.headers, body: await text(request) })
    if (receiver.answer === 0) return
    response.statusCode = receiver.answer
    response.end('thank you')
  }
  const onRequest = (...both: Parameters<typeof take>): void => void take(...both)
  const server = certificate === undefined ? createServer(onRequest) : createSecured(certificate, onRequest)
  const port = await listening(server)
  return Object.assign(receiver, {
    url: `http${certificate === undefined ? '' : 's'}://${certificate === undefined ? '127.0.0.1' : 'localhost'}:${port}`,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  })
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

export interface Certificate {
  readonly key: string
  readonly cert: string
  /** The file of the certificate, which is its own authority. */
  readonly file: string
}

export function certificateIn(folder: string, name = 'localhost'): Certificate {
  const [key, file] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)]
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name},IP:127.0.0.1`]
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', file, ...subject], { stdio: 'ignore' })
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(file, 'utf8'), file }
}

export interface Mail {
  readonly from: string
  readonly to: readonly string[]
  readonly secure: boolean
  readonly user: string
  readonly text: string
}

/** Takes mail from `clerk` with the password `let me in`, over TLS that a client asks for or, with `secure`, from the first byte on. */
export async function mailReceiver({ key, cert }: Certificate, secure = false) {
  const got: Mail[] = []
  const server = new SMTPServer({
    key,
    cert,
    secure,
    authOptional: false,
    onAuth: ({ username, password }, _session, done) => {
      if (username === 'clerk' && password === 'let me in') done(null, { user: username })
      else done(new Error('no such login'))
    },
    onRcptTo: ({ address }, _session, done) => {
      if (address.startsWith('nobody@')) done(Object.assign(new Error('no such mailbox'), { responseCode: 550 }))
      else done()
    },
    onData: (stream, session, done) => void take(stream, session, done),
  })
  const take = async (
    ...[stream, { envelope, secure: encrypted, user }, done]: Parameters<NonNullable<SMTPServerOptions['onData']>>
  ): Promise<void> => {
    const content = await text(stream)
    const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address
    got.push({ from, to: envelope.rcptTo.map(({ address }) => address), secure: encrypted, user: String(user), text: content })
    done()
  }
  server.on('error', () => {}) // a client that does not trust the certificate breaks off
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.server.address() as AddressInfo
  return { port, got, close: () => new Promise<void>((resolve) => server.close(resolve)) }
}
