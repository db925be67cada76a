// Encrypted connections: the server's own settings, and what its clients are told.

import type { Endpoint, Surroundings } from '../engine.ts'

export const ACCESS = 'pg_hba.conf'

/** Instead of the file in the data folder, which may come from a snapshot. A socket is there only in a container, for who is in it. */
export const access = `# Written by Hayai, anew at each start: over the network nobody is let in unencrypted.
local all all trust
hostssl all all all scram-sha-256
hostssl replication all all scram-sha-256
`

export function secureSettings({ certificates, texts }: Surroundings): Readonly<Record<string, string>> {
  const file = texts[ACCESS]
  if (certificates === undefined || file === undefined) return {}
  return { ssl: 'on', ssl_cert_file: certificates.certificate, ssl_key_file: certificates.key, hba_file: file }
}

/** For programs of libpq, and for URIs. */
export function clientSettings({ tls }: Endpoint): { readonly sslmode: string; readonly sslrootcert?: string } {
  return tls === undefined ? { sslmode: 'prefer' } : { sslmode: 'verify-full', sslrootcert: tls.file }
}
