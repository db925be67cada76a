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
-- Fields can expire by themselves from Redis 7.4 and Valkey 9 on.
local function fieldExpiry(key, pairs, sum)
  for from = 1, #pairs, 2000 do
    local names = {}
    for at = from, math.min(from + 1998, #pairs), 2 do names[#names + 1] = pairs[at] end
    local times = redis.pcall('HPEXPIRETIME', key, 'FIELDS', #names, unpack(names))
    if times.err then return end
    for at, time in ipairs(times) do
      if time > 0 then add(sum, string.format('%d:%s%.0f', #names[at], names[at], time)) end
    end
  end
end
local content = {
  string = function(key, sum) add(sum, redis.call('GET', key)) end,
  list = function(key, sum)
    for at, each in ipairs(redis.call('LRANGE', key, 0, -1)) do add(sum, at .. ':' .. each) end
  end,
  set = function(key, sum)
    for _, each in ipairs(redis.call('SMEMBERS', key)) do add(sum, each) end
  end,
  hash = function(key, sum)
    local pairs = redis.call('HGETALL', key)
    inPairs(sum, pairs)
    if redis.call('OBJECT', 'ENCODING', key) ~= 'listpack' then fieldExpiry(key, pairs, sum) end -- where no field can expire
  end,
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
  -- Its DUMP tells how it came to be as well, and is another after a RESTORE.
  vectorset = function(key, sum)
    for _, element in ipairs(redis.call('VRANDMEMBER', key, redis.call('VCARD', key))) do
      local vector = redis.call('VEMB', key, element, 'RAW')
      vector[1] = vector[1].ok or vector[1]
      add(sum, flat({ element, flat(vector), redis.call('VGETATTR', key, element) or '' }))
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
