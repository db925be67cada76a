// A data folder as a tar archive: what a server finds when it starts. It holds the RDB file twice by name and once by content: as
// itself, and as the beginning of a log of changes (AOF) that nothing has been added to. So the server reads the same data,
// whatever its `appendonly` says.

import { mkdir, link, open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bytes } from '../../base/bytes.ts'
import { HayaiError } from '../../base/errors.ts'
import { tarEnd, tarHeader, tarPadding, throughTar, type TarHeader } from '../../base/tar.ts'
import { untar } from '../../base/untar.ts'
import { rdbEnds } from './marks.ts'
import { AOF_FOLDER, AOF_MARKS, RDB_FILE } from './settle.ts'

const BASE = 'appendonly.aof.1.base.rdb'
const MANIFEST = `file ${BASE} seq 1 type b\n`

export async function* packed(size: () => Promise<number | undefined>, rdb: Bytes): Bytes {
  const known = await size()
  if (known === undefined) throw new HayaiError('TOOL_FAILED', 'the server does not tell the size of what it is going to send')
  yield tarHeader({ name: RDB_FILE, kind: 'file', size: known, mode: 0o600, target: '' })
  yield* rdb
  yield tarPadding(known)
  const manifest = Buffer.from(MANIFEST)
  yield Buffer.concat([
    tarHeader({ name: AOF_FOLDER, kind: 'folder', size: 0, mode: 0o700, target: '' }),
    tarHeader({ name: `${AOF_FOLDER}/${BASE}`, kind: 'link', size: 0, mode: 0o600, target: RDB_FILE }),
    tarHeader({ name: `${AOF_FOLDER}/appendonly.aof.manifest`, kind: 'file', size: manifest.length, mode: 0o600, target: '' }),
    manifest,
    tarPadding(manifest.length),
    tarEnd(),
  ])
}

/** Passes the bytes on, and throws CORRUPT at their end when the archive, or the RDB file in it, is not whole. */
export async function* checkFolder(source: Bytes): Bytes {
  let ends: ReturnType<typeof rdbEnds> | undefined
  let name: string | undefined
  yield* throughTar(source, (event) => {
    if ('header' in event) {
      name = event.header.name
      if (name === RDB_FILE) ends = rdbEnds()
    } else if (name === RDB_FILE) ends?.feed(event.bytes)
  })
  ends?.check()
}

/** Into an empty folder. Refuses what a server does not keep its data in. */
export async function unpack(source: Bytes, folder: string, signal: AbortSignal): Promise<void> {
  const names = new Set<string>()
  await untar(source, signal, (header) => {
    names.add(header.name)
    return make(folder, header)
  })
  if (![RDB_FILE, ...AOF_MARKS].some((name) => names.has(name)))
    throw new HayaiError('CORRUPT', `the tar archive holds no ${RDB_FILE} and no log of changes`)
}

async function make(folder: string, { name, kind, target }: TarHeader): Promise<FileHandle | undefined> {
  const known = /^(?:|dump\.rdb|appendonly\.aof|appendonlydir(?:\/[^/]+)?)$/.test(name)
  if (!known || kind === 'symlink') {
    throw new HayaiError('CONFLICT', `the tar archive holds ${JSON.stringify(name)}, which is no part of a server's data`, {
      hint: `Pack only ${RDB_FILE} and ${AOF_FOLDER}: tar -C FOLDER -cf FILE ${RDB_FILE} ${AOF_FOLDER}`,
    })
  }
  const path = join(folder, name)
  if (kind === 'file') return open(path, 'wx', 0o600)
  if (kind === 'link') await link(join(folder, target), path)
  else if (name !== '') await mkdir(path, { mode: 0o700 })
  return undefined
}
