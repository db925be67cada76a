// From the text of a `.hayaidb` to a configuration that can be relied on, or to one error that tells all that is wrong.

import { nearest } from '../base/nearest.ts'
import { NAME_PATTERN, RESERVED_NAMES } from '../base/names.ts'
import type { Config, DatabaseConfig, LoadedConfig } from './config.ts'
import { parseYaml, place, type Parsed, type Path } from './document.ts'
import { checkPlans, planWarnings } from './plan-checks.ts'
import { notificationsOf } from './notifications.ts'
import { plansOf } from './plans.ts'
import { invalid, type Finding } from './problems.ts'
import { configSchema, jsonSchema, NAME_RULE, VARIABLE_PATTERN, type RawConfig, type Vocabulary } from './schema.ts'
import { emptyRecord } from './shape.ts'

/** Throws CONFIG_INVALID, with every problem and its place, when the text is not a valid `.hayaidb`. */
export function checkConfig(text: string, file: string, vocabulary: Vocabulary): LoadedConfig {
  const parsed = parseYaml(text, file)
  const plain = parsed.plain ?? {}
  const result = configSchema(vocabulary).safeParse(plain)
  const findings = [
    ...(result.error?.issues ?? []).flatMap((issue) => explain(parsed, plain, issue, vocabulary)),
    ...crossCheck(parsed, plain),
    ...missingOf(parsed, plain, vocabulary),
    ...checkPlans(
      (path) => at(plain, path),
      (path) => entriesOf(at(plain, path)).map(([key]) => key),
    ).map(({ path, what, ...rest }) => ({ span: place(parsed.document, path, what), ...rest })),
  ]
  if (!result.success || findings.length > 0) throw invalid(file, parsed.source, findings)
  const where = (path: Path) => {
    const { line, column } = parsed.source.position(place(parsed.document, path, 'key').start)
    return `${file}:${line}:${column}`
  }
  return { file, config: settle(result.data, vocabulary), warnings: warningsOf(result.data, where, vocabulary), where }
}

type Issue = NonNullable<ReturnType<ReturnType<typeof configSchema>['safeParse']>['error']>['issues'][number]

function explain(parsed: Parsed, plain: unknown, issue: Issue, vocabulary: Vocabulary): readonly Finding[] {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)))
  const inner = issue.code === 'invalid_union' ? mappingBranch(issue, at(plain, path)) : undefined
  if (inner !== undefined) return inner.flatMap((each) => explain(parsed, plain, { ...each, path: [...path, ...each.path] }, vocabulary))
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(vocabulary, path)
    return issue.keys.map((key) => {
      const suggestion = nearest(key, known)
      const hint =
        suggestion === undefined ? `the keys ${inWords(path)} are ${known.join(', ')}` : `did you mean ${JSON.stringify(suggestion)}?`
      return {
        span: place(parsed.document, [...path, key], 'key'),
        message: `${JSON.stringify(key)} is not a key ${inWords(path)}: ${hint}`,
        suggestion,
      }
    })
  }
  const value = at(plain, path)
  const name = nameOf(path)
  if (value === undefined) {
    return [{ span: place(parsed.document, path.slice(0, -1), 'key'), message: `${name} is missing: it must be ${issue.message}` }]
  }
  const words = issue.code === 'invalid_value' ? issue.values.filter((each) => typeof each === 'string') : []
  const suggestion = typeof value === 'string' && words.length > 1 ? nearest(value, words) : undefined
  const message =
    suggestion === undefined
      ? `${name} must be ${issue.message}, not ${show(value, path)}`
      : `${name} cannot be ${show(value, path)}: did you mean ${JSON.stringify(suggestion)}?`
  return [{ span: place(parsed.document, path, 'value'), message, suggestion }]
}

/** What is wrong inside a mapping, where a mapping is one of the things that may stand there. */
function mappingBranch({ errors }: Issue & { readonly code: 'invalid_union' }, value: unknown): readonly Issue[] | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return errors.find((issues) => issues.every(({ code, path }) => code === 'unrecognized_keys' || path.length > 0))
}

/** What no schema can say: names of keys, and what two databases may not share. */
function crossCheck(parsed: Parsed, plain: unknown): readonly Finding[] {
  const findings: Finding[] = []
  const owners = new Map<string, string>()
  const only = (name: string, key: 'port' | 'file', value: unknown) => {
    const owner = owners.get(`${key} ${String(value)}`)
    if (owner === undefined) owners.set(`${key} ${String(value)}`, name)
    else
      findings.push({
        span: place(parsed.document, ['databases', name, key], 'value'),
        message: `${key} ${String(value)} belongs to "${owner}" already`,
      })
  }
  for (const [name, entry] of entriesOf(at(plain, ['databases']))) {
    const span = place(parsed.document, ['databases', name], 'key')
    if (!NAME_PATTERN.test(name))
      findings.push({ span, message: `${JSON.stringify(name)} cannot be the name of a database: it must be ${NAME_RULE}` })
    if (RESERVED_NAMES.has(name))
      findings.push({ span, message: `"${name}" cannot be the name of a database: it is a subcommand of Hayai` })
    const [port, file] = [at(entry, ['port']), at(entry, ['file'])]
    if (typeof port === 'number') only(name, 'port', port)
    else if (typeof port === 'string' && !port.startsWith(':')) only(name, 'port', Number.parseInt(port, 10))
    if (typeof file === 'string') only(name, 'file', file.replace(/^(\.\/+)+/, ''))
    for (const [variable] of entriesOf(at(entry, ['environment']))) {
      if (VARIABLE_PATTERN.test(variable)) continue
      const key = place(parsed.document, ['databases', name, 'environment', variable], 'key')
      findings.push({ span: key, message: 'the name of a variable must be letters, digits and "_", not beginning with a digit' })
    }
  }
  return findings
}

/** An engine that is any other has no facts but those that stand here. */
function missingOf(parsed: Parsed, plain: unknown, { described = [] }: Vocabulary): readonly Finding[] {
  return entriesOf(at(plain, ['databases'])).flatMap(([name, entry]) => {
    const engine = at(entry, ['engine'])
    if (typeof engine !== 'string' || !described.includes(engine)) return []
    return Object.entries(DESCRIBED).flatMap(([key, example]) => {
      if (at(entry, [key]) !== undefined) return []
      const message = `"${name}" is of the engine "${engine}", of which nothing is known: "${key}" is missing, such as ${example}`
      return [{ span: place(parsed.document, ['databases', name], 'key'), message }]
    })
  })
}

const DESCRIBED = { image: '`image: qdrant/qdrant:v1.15.4`', data: '`data: /qdrant/storage`', port: '`port: 6333`' }

/** `5400:6333`, `:6333`, or one number: then that of both, where nothing else tells where it listens. */
function portsOf(port: number | string | undefined, isDescribed: boolean): { readonly port?: number; readonly listens?: number } {
  if (port === undefined) return {}
  if (typeof port === 'number') return isDescribed ? { port, listens: port } : { port }
  const [outside = '', inside] = port.split(':')
  return { listens: Number(inside), ...(outside === '' ? {} : { port: Number(outside) }) }
}

function settle(raw: RawConfig, { described = [] }: Vocabulary): Config {
  const databases = emptyRecord<DatabaseConfig>()
  for (const [name, { environment, version, volumes, port, ...rest }] of Object.entries(raw.databases ?? {})) {
    const variables = Object.entries(environment ?? {}).map(([variable, value]) => [variable, String(value)] as const)
    databases[name] = {
      ...rest,
      ...portsOf(port, described.includes(rest.engine)),
      ...(version === undefined ? {} : { version: String(version) }),
      environment: Object.fromEntries(variables),
      volumes: volumes ?? [],
    }
  }
  return {
    project: raw.project,
    databases,
    tables: raw.backup?.tables ?? [],
    backup: raw.global?.backup,
    plans: plansOf(raw.global?.backup),
    notifications: notificationsOf(raw.global?.backup),
    security: raw.global?.security,
  }
}

// Allowed, and not honoured yet: said aloud, so that nobody relies on it. A capability that arrives takes its line away.
const NOT_YET: Readonly<Record<string, string>> = {
  backup: 'no table is exported by itself',
}

// What only a container can have.
const CONTAINER: Readonly<Record<string, string>> = {
  memory: 'no limit is set',
  restart: 'it is started by `hayai start` only',
  image: 'it runs from the programs of this machine',
  healthcheck: 'Hayai asks the engine itself',
  data: 'its data stays in .hayai/data',
  quiesce: 'it is stopped for a copy of its data folder',
}

function warningsOf(raw: RawConfig, where: (path: Path) => string, { described = [] }: Vocabulary): readonly string[] {
  const warnings: string[] = []
  const warn = (path: Path, consequence: string) => warnings.push(`${where(path)}: ${nameOf(path)} has no effect yet: ${consequence}.`)
  for (const [name, entry] of Object.entries(raw.databases ?? {})) {
    for (const key of Object.keys(entry)) {
      const path = ['databases', name, key]
      if (NOT_YET[key] !== undefined) warn(path, NOT_YET[key])
      if (CONTAINER[key] !== undefined && entry.runtime !== 'compose' && !described.includes(entry.engine)) {
        warnings.push(`${where(path)}: ${nameOf(path)} has no effect without \`runtime: compose\`: ${CONTAINER[key]}.`)
      }
      // A folder is made, and used where the server has a use for it; a volume of Docker is not.
      if (key === 'volumes' && entry.runtime !== 'compose' && entry.volumes?.some((volume) => !/^[.~/]/.test(volume)) === true) {
        warnings.push(
          `${where(path)}: ${nameOf(path)} has no effect without \`runtime: compose\`, where it names a volume of Docker: its data stays in .hayai/data.`,
        )
      }
    }
  }
  if (raw.backup !== undefined) warn(['backup'], 'no table is exported by itself')
  warnings.push(...planWarnings(raw).map(({ path, says }) => `${where(path)}: ${says}`))
  const { enable_ssl: encrypted, ssl_cert_path: path, enable_secrets: secrets, secrets_backend: backend } = raw.global?.security ?? {}
  if (path !== undefined && encrypted !== true)
    warnings.push(
      `${where(['global', 'security', 'ssl_cert_path'])}: "ssl_cert_path" has no effect without \`enable_ssl: true\`: connections are not encrypted.`,
    )
  if (backend !== undefined && secrets !== true)
    warnings.push(`${where(['global', 'security', 'secrets_backend'])}: "secrets_backend" has no effect without \`enable_secrets: true\`.`)
  return warnings
}

/** The keys that are right at this path, from the JSON Schema. */
function keysAt(vocabulary: Vocabulary, path: Path): readonly string[] {
  let schema: unknown = jsonSchema(vocabulary)
  for (const step of path) schema = at(unwrapped(schema), ['properties', step]) ?? at(unwrapped(schema), ['additionalProperties'])
  return entriesOf(at(unwrapped(schema), ['properties'])).map(([key]) => key)
}

function unwrapped(schema: unknown): unknown {
  const choices = at(schema, ['anyOf'])
  return Array.isArray(choices) ? choices.find((choice) => at(choice, ['type']) === 'object') : schema
}

function inWords(path: Path): string {
  if (path.length === 0) return 'of this file'
  return path[0] === 'databases' && path.length === 2 ? 'of a database' : `of "${String(path.at(-1))}"`
}

function nameOf(path: Path): string {
  const [first, name, ...rest] = path
  if (first === undefined) return 'the file'
  if (first !== 'databases' || name === undefined) return `"${path.join('.')}"`
  if (rest.length === 0) return `the database "${name}"`
  // What stands where a variable should may be a piece of a password that was not quoted.
  const [section, variable] = rest
  if (section === 'environment' && variable !== undefined && !/^[A-Z_][A-Z0-9_]*$/.test(String(variable))) return `a variable of "${name}"`
  return `"${rest.join('.')}" of "${name}"`
}

function show(value: unknown, path: Path): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a mapping'
  return path.includes('environment') || path.includes('notifications') ? 'this' : JSON.stringify(value).slice(0, 80)
}

function at(value: unknown, path: Path): unknown {
  let found = value
  for (const step of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined
    found = (found as Record<string, unknown>)[step] // an own property, as was just asked
  }
  return found
}

function entriesOf(value: unknown): readonly [string, unknown][] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : []
}
