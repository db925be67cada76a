// Why something was not delivered, in words that name neither host nor address: those are secrets.

import { HayaiError, systemCode } from '../../base/errors.ts'

export class Undelivered extends Error {
  /** Whether it may go better the next time. */
  readonly passing: boolean

  constructor(words: string, passing: boolean) {
    super(words)
    this.name = 'Undelivered'
    this.passing = passing
  }
}

const BY_CODE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection broke',
  ECONNECTION: 'no connection comes about',
  ESOCKET: 'no connection comes about',
  EPIPE: 'the connection broke',
  ENOTFOUND: 'its host is not known',
  EDNS: 'its host is not known',
  EAI_AGAIN: 'names of hosts cannot be looked up now',
  EHOSTUNREACH: 'its host cannot be reached',
  ENETUNREACH: 'its host cannot be reached',
  ETIMEDOUT: 'no answer in time',
}

/** Going on would not help before somebody does something. */
const LASTING: Readonly<Record<string, string>> = {
  EAUTH: 'the server refuses the login',
  ENOAUTH: 'the server refuses the login',
  EENVELOPE: 'the server refuses the sender or the recipient',
  ETLS: 'no encrypted connection comes about',
  EMESSAGE: 'the server refuses the message',
}

export function undelivered(error: unknown): Undelivered {
  if (error instanceof Undelivered) return error
  if (error instanceof HayaiError) return new Undelivered(error.message, false) // a variable that is not set
  const code = deepCode(error)
  if (error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError'))
    return new Undelivered('no answer in time', true)
  if (code !== undefined && isCertificate(code)) return new Undelivered(`its certificate is not to be trusted (${code})`, false)
  const status = smtpStatus(error)
  const lasting = LASTING[code ?? '']
  if (lasting !== undefined)
    return new Undelivered(`${lasting}${status === undefined ? '' : ` (${status})`}`, status !== undefined && status < 500)
  if (status !== undefined) return new Undelivered(`the server refuses it (${status})`, status < 500)
  return new Undelivered(BY_CODE[code ?? ''] ?? `it failed (${code ?? 'for no reason that is known'})`, true)
}

function isCertificate(code: string): boolean {
  return /CERT|SELF_SIGNED|ALTNAME|UNABLE_TO_VERIFY|HOSTNAME_MISMATCH/.test(code)
}

/** The mail library puts a code of its own over the system's, and keeps that beside it. */
function deepCode(error: unknown): string | undefined {
  if (error instanceof Error && 'originalCode' in error && typeof error.originalCode === 'string') return error.originalCode
  return systemCode(error)
}

function smtpStatus(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('responseCode' in error)) return undefined
  return typeof error.responseCode === 'number' ? error.responseCode : undefined
}
