// What a running server holds, looked at key by key: keys of each type, and a digest of each db, made where the keys are, a few
// hundred at a time. Others go on meanwhile, so what they write is seen or not, as it happens to come.

import { digestOf } from '../../base/digest.ts'
import type { Named, Outline, Survey, Target } from '../engine.ts'
import { askCounts, census } from './census.ts'
import { CONTENT } from './content.ts'
import type { Dialect } from './dialect.ts'
import { readVersion } from './inspect.ts'
import { endpointOf, information, withSession, type Reply, type Session } from './session.ts'

export async function survey(dialect: Dialect, target: Target, depth: 'outline' | 'rows', signal: AbortSignal): Promise<Survey> {
  return withSession(endpointOf(target), signal, async (session) => {
    const version = await readVersion(dialect, session)
    const types = new Map<number, ReadonlyMap<string, number>>()
    const digests: Record<string, string> = {}
    const counts = await askCounts(session)
    for (const db of new Set([0, ...counts.dbs.keys()])) {
      const found = await scan(session, db, depth)
      types.set(db, found.types)
      digests[`db${db}`] = found.digest
    }
    const bytes = Number((await information(session, 'memory'))['used_memory_dataset'])
    const facts = { product: dialect.title, version, census: census(counts), notes: [], tools: {} }
    const outline = outlineOf(types, await readLibraries(session), bytes)
    return { ...facts, outline, digests: depth === 'rows' ? digests : null }
  })
}

/** `types`: number of the db → type → keys. */
export function outlineOf(types: ReadonlyMap<number, ReadonlyMap<string, number>>, libraries: Named, bytes: number | undefined): Outline {
  const inOrder = [...types].toSorted(([a], [b]) => a - b)
  return {
    bytes,
    tables: Object.fromEntries(
      inOrder.map(([db, keys]) => {
        const named = Object.fromEntries([...keys].toSorted(([a], [b]) => a.localeCompare(b)).map(([type, count]) => [type, String(count)]))
        return [`db${db}`, { columns: {}, parts: keys.size === 0 ? {} : { 'keys of the type': named } }]
      }),
    ),
    objects: Object.keys(libraries).length === 0 ? {} : { 'function library': libraries },
  }
}

/** Name → a digest of the code. */
export async function readLibraries(session: Session): Promise<Named> {
  const listed = await session.askIfKnown('FUNCTION', 'LIST', 'WITHCODE') // from version 7 on
  const libraries = Array.isArray(listed) ? (listed as readonly Reply[]) : []
  return Object.fromEntries(
    libraries.flatMap((library) => {
      const facts = Array.isArray(library) ? (library as readonly Reply[]) : []
      const told = (fact: string): string => String(facts[facts.indexOf(fact) + 1])
      return [[told('library_name'), digestOf(told('library_code'))] as const]
    }),
  )
}

async function scan(session: Session, db: number, depth: 'outline' | 'rows') {
  await session.ask('SELECT', String(db))
  const types = new Map<string, number>()
  let sums: readonly [bigint, bigint] = [0n, 0n]
  let cursor = '0'
  do {
    const answer = await session.ask('EVAL', LOOK, '0', cursor, depth)
    const [next, first, second, ...counted] = Array.isArray(answer) ? answer.map(String) : []
    for (let at = 0; at < counted.length; at += 2) {
      const type = counted[at] ?? ''
      types.set(type, (types.get(type) ?? 0) + Number(counted[at + 1]))
    }
    sums = [(sums[0] + BigInt(first ?? 0)) % WITHIN, (sums[1] + BigInt(second ?? 0)) % WITHIN]
    cursor = next ?? '0'
  } while (cursor !== '0')
  return { types, digest: sums.map((sum) => sum.toString(16).padStart(12, '0')).join('') }
}

const WITHIN = 1n << 48n // more does not fit a number of Lua

const LOOK = `${CONTENT}
local page = redis.call('SCAN', ARGV[1], 'COUNT', ARGV[2] == 'rows' and 200 or 1000)
local counts, total = {}, { 0, 0 }
for _, key in ipairs(page[2]) do
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'none' then
    local told = content[kind] and kind ~= 'vectorset' and kind or 'module'
    counts[told] = (counts[told] or 0) + 1
    if ARGV[2] == 'rows' then
      local sum = { 0, 0 }
      if content[kind] then content[kind](key, sum) else add(sum, redis.call('DUMP', key)) end
      add(total, table.concat({ kind, #key, key, expiry(key), said(sum) }, ' '))
    end
  end
end
local answer = { page[1], string.format('%.0f', total[1]), string.format('%.0f', total[2]) }
for kind, count in pairs(counts) do
  answer[#answer + 1] = kind
  answer[#answer + 1] = count
end
return answer
`
