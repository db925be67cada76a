// How applications are told where the database is. Drivers of both products know this scheme.

import type { Endpoint } from '../engine.ts'

export function uri(endpoint: Endpoint | undefined): string {
  if (endpoint === undefined) throw new Error('the database is a server, and has an endpoint')
  const { host, port, user, password, database, tls } = endpoint
  const [login, secret, path] = [user, password.reveal(), database].map(encodeURIComponent)
  const secured = tls === undefined ? '' : `?ssl-mode=VERIFY_IDENTITY&ssl-ca=${encodeURIComponent(tls.file)}`
  return `mysql://${login}:${secret}@${host}:${port}/${path}${secured}`
}
