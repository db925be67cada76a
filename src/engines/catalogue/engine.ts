// An engine made from an entry of the catalogue, by the data-folder method: its server is stopped, the folder copied, the server
// started again, and only then is the copy packed. What it holds is counted just before and just after.

import { readdir } from 'node:fs/promises'
import type { Bytes } from '../../base/bytes.ts'
import { HayaiError } from '../../base/errors.ts'
import { beats } from '../../base/pulse.ts'
import { Secret } from '../../base/secret.ts'
import { throughTar } from '../../base/tar.ts'
import { unpackTree } from '../../base/tree-tar.ts'
import type { Census, Dump, Endpoint, Engine, Facts, Format, Outline, Ready, ServerRecipe, Settings, Target } from '../engine.ts'
import { COUNTERS, type Counted, type Counter } from './counts.ts'
import type { Entry, Native } from './entry.ts'
import { ask } from './http.ts'

export function dataFolderEngine(entry: Entry, native: Native): Engine {
  const count = COUNTERS[native.counter]
  const facts = async (target: Target, signal?: AbortSignal): Promise<Facts> =>
    factsOf(entry, await count(endpointOf(target.endpoint), signal), [])
  return {
    name: entry.name,
    title: entry.title,
    counts: native.counts,
    pieces: pieces(entry),
    formats: [tar(native)],
    recipe: recipeOf(entry, native),
    settings,
    uri: (endpoint) => entry.uri.replaceAll('{port}', String(endpointOf(endpoint).port)),
    inspect: (target) => facts(target),
    concerns: () => Promise.resolve([]),
    async survey(target, depth, signal) {
      const found = await facts(target, signal)
      return { ...found, outline: outlineOf(found.census), digests: depth === 'rows' ? {} : null }
    },
    dump: (target, _format, signal, ready) => dump(entry, count, target, signal, ready),
    async load(target, _format, bytes, signal) {
      const there = await readdir(target.path)
      if (there.length > 0) throw new HayaiError('CONFLICT', `${target.path} is not empty: it holds ${there.slice(0, 3).join(', ')}`)
      await unpackTree(bytes, target.path, signal)
    },
    tableRows: () => null,
    check: (_format, bytes) => throughTar(bytes, () => {}),
  }
}

function tar({ byHand }: Native): Format {
  return {
    name: 'tar',
    extension: '.tar',
    fills: 'asleep',
    kind: 'physical',
    atRest: true,
    compressed: 'gzip',
    byHand: (file) => [`mkdir FOLDER && tar --numeric-owner -xpf ${file} -C FOLDER`, byHand],
  }
}

/** A copy of a folder is taken as a whole. */
function pieces({ title }: Entry): Engine['pieces'] {
  const refuse = async (): Promise<never> => {
    throw new HayaiError('USAGE', `single pieces cannot be taken out of a data folder of ${title}`, {
      hint: 'Restore it into another database with --to, and copy from there.',
    })
  }
  const noun = { one: 'piece', many: 'pieces' }
  return { noun, unit: noun, renames: false, numbered: false, find: refuse, transplant: refuse }
}

/** It has no users that Hayai makes, and is told nothing besides where its data is. */
function settings(environment: Readonly<Record<string, string>>): Settings {
  return { user: '', password: new Secret(''), database: '', server: {}, unknown: Object.keys(environment) }
}

function endpointOf(endpoint: Endpoint | undefined): Endpoint {
  if (endpoint === undefined) throw new Error('this database is a server, and has an endpoint')
  return endpoint
}

const PATIENCE = 5000

function recipeOf({ name, title, port, health, image, data, environment }: Entry, native: Native): ServerRecipe {
  if (port === null || data === null || image === null || health === null || !('http' in health)) {
    throw new Error(`${name} is no server that is asked by HTTP`)
  }
  const filled = (text: string, dataDir: string, at: number) => text.replaceAll('{data}', dataDir).replaceAll('{port}', String(at))
  return {
    shape: 'server',
    port,
    server: native.server,
    tools: [],
    folders: ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin'],
    ...(native.versionWord === undefined ? {} : { versionWord: native.versionWord }),
    versionOf: (printed) => new RegExp(native.version).exec(printed)?.[1] ?? native.otherwise ?? '',
    majorOf: (version) => /^\d+/.exec(version)?.[0] ?? version,
    defaultMajor: native.major,
    install: () =>
      process.platform === 'darwin'
        ? `Install it: brew install ${native.brew}`
        : `Install it: sudo apt-get install ${native.debian} (Debian, Ubuntu), or the package of ${title} of your system.`,
    account: native.account,
    create: () => [],
    adopt: () => [],
    secures: false,
    shares: () => [],
    texts: () => ({}),
    looksFor: [],
    serve: ({ dataDir, port: at }) => ({
      program: native.server,
      args: native.args.map((arg) => filled(arg, dataDir, at)),
      env: Object.fromEntries(Object.entries(native.env).map(([key, value]) => [key, filled(value, dataDir, at)])),
    }),
    stopSignal: 'SIGTERM',
    ...(native.bySignal === true ? { bySignal: true as const } : {}),
    forcible: native.forcible,
    answers: async (endpoint) => void (await ask(endpoint, health.http, { signal: AbortSignal.timeout(PATIENCE) })),
    container: {
      image,
      ...(native.contained.server === undefined ? {} : { server: native.contained.server }),
      dataDir: data,
      environment: () => environment,
      secrets: () => ({}),
      files: () => ({}),
      serve: () => ({ args: native.contained.args }),
      declared: () => ({}),
      healthcheck: () => native.contained.healthcheck,
    },
    settle: () => Promise.resolve(),
  }
}

async function dump(entry: Entry, count: Counter, target: Target, signal: AbortSignal, ready: Ready | undefined): Promise<Dump> {
  const endpoint = endpointOf(target.endpoint)
  const closing = new AbortController()
  const ends = AbortSignal.any([signal, closing.signal])
  const before = await count(endpoint, ends)
  await ready?.()
  const pulse = { alive: 0, alone: false }
  let instant = new Date()

  async function copyAndCount() {
    const copy = await target.copyAtRest(ends, () => void pulse.alive++)
    instant = copy.instant
    return { copy, counted: agreed(before, await count(endpoint, ends)) }
  }
  const made = copyAndCount()
  made.catch(() => {}) // whoever reads is told

  async function* read(): Bytes {
    yield* beats(made, pulse)
    yield* (await made).copy.archive
  }
  return {
    get instant() {
      return instant
    },
    bytes: read(),
    land: null,
    async facts() {
      const { copy, counted } = await made
      const facts = factsOf(entry, counted, notesOf(counted, copy.skipped))
      return { ...facts, outline: { ...outlineOf(facts.census), bytes: copy.bytes }, blocked: copy.blocked }
    },
    expectedBytes: undefined,
    async close() {
      closing.abort()
      await Promise.allSettled([made]) // its server runs again when this settles
    },
  }
}

/** What was counted before and after the copy; where the two differ nobody can have counted what is in it. */
function agreed(before: Counted, after: Counted): Counted {
  if (JSON.stringify(before.census) === JSON.stringify(after.census)) return after
  const standing = Object.entries(after.census.tables).filter(([name]) => Object.hasOwn(before.census.tables, name))
  return { ...after, census: { tables: Object.fromEntries(standing), objects: {}, moving: true } }
}

function notesOf({ census }: Counted, skipped: readonly string[]): readonly string[] {
  return [
    ...(census.moving === true
      ? ['Others wrote just before or after the server was at rest, so what is in the copy could not be counted.']
      : []),
    ...(skipped.length === 0 ? [] : [`Neither files, folders nor links, and so not in the copy: ${skipped.join(', ')}.`]),
  ]
}

function factsOf({ title }: Entry, { version, census }: Counted, notes: readonly string[]): Facts {
  return { product: title, version, census, notes, tools: {} }
}

function outlineOf({ tables }: Census): Outline {
  return { tables: Object.fromEntries(Object.keys(tables).map((name) => [name, { columns: {}, parts: {} }])), objects: {} }
}
