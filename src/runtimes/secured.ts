// What a live server that takes encrypted connections alone proves itself with: copies, in <runDir>/tls, of the certificates that were good
// when it was started. That they are there says that it was, whatever `.hayaidb` says by now.

import { X509Certificate } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder, readIfThere, writeDurably } from '../base/files.ts'
import type { Certificates, Trust } from '../engines/engine.ts'
import type { Placement, Proof } from './runtime.ts'

const AUTHORITY = 'ca.crt'
const CERTIFICATE = 'server.crt'
const KEY = 'server.key'

function folderOf({ runDir }: Placement): string {
  return join(runDir, 'tls')
}

/** How the live server is to be spoken to; undefined where it was started without certificates. */
export async function trustOf(placement: Placement): Promise<Trust | undefined> {
  const file = join(folderOf(placement), AUTHORITY)
  const authority = await readIfThere(file)
  return authority === undefined ? undefined : { authority, file }
}

export async function proofOf(placement: Placement): Promise<Proof | undefined> {
  const trust = await trustOf(placement)
  const certificate = await readIfThere(join(folderOf(placement), CERTIFICATE))
  if (trust === undefined || certificate === undefined) return undefined
  return { ...trust, until: new Date(new X509Certificate(certificate).validTo) }
}

/** Those of the live server, where it has some. */
export async function copiesOf(placement: Placement): Promise<Certificates | undefined> {
  return (await trustOf(placement)) === undefined ? undefined : copiesIn(folderOf(placement))
}

function copiesIn(folder: string): Certificates {
  return { authority: join(folder, AUTHORITY), certificate: join(folder, CERTIFICATE), key: join(folder, KEY) }
}

/** For a server that is about to be started; no other runs. The files that it is to be given; undefined where it shall have none. */
export async function layOut(placement: Placement): Promise<Certificates | undefined> {
  const source = await placement.certificates?.ensure()
  const folder = folderOf(placement)
  await rm(folder, { recursive: true, force: true })
  if (source === undefined) return undefined
  await makeFolder(folder)
  const copies = copiesIn(folder)
  const copy = async (from: string, to: string): Promise<void> => writeDurably(to, (await readIfThere(from)) ?? '', 0o600)
  await copy(source.key, copies.key)
  await copy(source.certificate, copies.certificate)
  await copy(source.authority, copies.authority) // last: by it the others are known to be there
  return copies
}
