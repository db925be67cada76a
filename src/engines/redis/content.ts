// What a key holds as a digest, made where the key is: the same on every server, however it keeps the value.

import { HayaiError } from '../../base/errors.ts'
import { answers, asText, isList } from './keys.ts'
import type { Session } from './session.ts'

/**
 * Lua. A digest is the sum of the digests of what has no order; what has one is told with its place. When a key expires belongs to
 * it.
 */
export const CONTENT = `
local function add(sum, text)
  local hex = redis.sha1hex(text)
  sum[1] = (sum[1] + tonumber(hex:sub(1, 12), 16)) % 281474976710656
  sum[2] = (sum[2] + tonumber(hex:sub(13, 24), 16)) % 281474976710656
end
local function said(sum) return string.format('%.0f %.0f', sum[1], sum[2]) end
local function flat(value)
  if type(value) ~= 'table' then return #tostring(value) .. ':' .. tostring(value) end
  local parts = {}
  for at, each in ipairs(value) do parts[at] = flat(each) end
  return '[' .. table.concat(parts) .. ']'
end
local function inPairs(sum, list)
  for at = 1, #list, 2 do add(sum, #list[at] .. ':' .. list[at] .. list[at + 1]) end
end
local content = {
  string = function(key, sum) add(sum, redis.call('GET', key)) end,
  list = function(key, sum)
    for at, each in ipairs(redis.call('LRANGE', key, 0, -1)) do add(sum, at .. ':' .. each) end
  end,
  set = function(key, sum)
    for _, each in ipairs(redis.call('SMEMBERS', key)) do add(sum, each) end
  end,
  hash = function(key, sum) inPairs(sum, redis.call('HGETALL', key)) end,
  zset = function(key, sum) inPairs(sum, redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')) end,
  stream = function(key, sum)
    for _, entry in ipairs(redis.call('XRANGE', key, '-', '+')) do add(sum, flat(entry)) end
    local wanted = { name = true, pending = true, ['last-delivered-id'] = true }
    for _, group in ipairs(redis.call('XINFO', 'GROUPS', key)) do
      local facts = {}
      for at = 1, #group, 2 do
        if wanted[group[at]] then facts[#facts + 1] = group[at] .. '=' .. tostring(group[at + 1]) end
      end
      add(sum, table.concat(facts, ' '))
    end
  end,
}
local function expiry(key)
  local at = redis.pcall('PEXPIRETIME', key)
  if type(at) == 'number' then return string.format('%.0f', at) end
  return redis.call('PTTL', key) < 0 and '-1' or 'some time'
end
`

/** Of the db that is selected; empty for a key that is not there. */
export async function digestsOf(session: Session, keys: readonly Buffer[]): Promise<readonly string[]> {
  if (keys.length === 0) return []
  const [reply] = await answers(session, [['EVAL', EACH, String(keys.length), ...keys]])
  if (reply instanceof HayaiError) throw reply
  return isList(reply) ? reply.map(asText) : []
}

const EACH = `${CONTENT}
local answer = {}
for at, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  answer[at] = ''
  if kind ~= 'none' then
    local sum = { 0, 0 }
    if content[kind] then content[kind](key, sum) else add(sum, redis.call('DUMP', key)) end
    answer[at] = redis.sha1hex(table.concat({ kind, expiry(key), said(sum) }, ' '))
  end
end
return answer
`
