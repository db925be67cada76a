-- All that is in the dbs 0 to ARGV[1] - 1, in an order that does not depend on the server: one line for each key.

local lines = {}

local function text(value)
  if type(value) == 'table' then
    local parts = {}
    for _, each in ipairs(value) do parts[#parts + 1] = text(each) end
    return '[' .. table.concat(parts, ' ') .. ']'
  end
  if type(value) == 'string' then
    return '"' .. value:gsub('[^%w %p]', function(c) return string.format('\\x%02x', c:byte()) end) .. '"'
  end
  return tostring(value)
end

local function sorted(list, step)
  local parts = {}
  for at = 1, #list, step do
    parts[#parts + 1] = step == 1 and text(list[at]) or text(list[at]) .. '=' .. text(list[at + 1])
  end
  table.sort(parts)
  return '[' .. table.concat(parts, ' ') .. ']'
end

local function stream(key)
  local parts = { text(redis.call('XRANGE', key, '-', '+')) }
  local facts = redis.call('XINFO', 'STREAM', key)
  for at = 1, #facts, 2 do
    local name = facts[at]
    if not name:find('radix') and not name:find('entry$') then parts[#parts + 1] = name .. '=' .. text(facts[at + 1]) end
  end
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', key)) do
    parts[#parts + 1] = text(group)
    local pending = redis.call('XPENDING', key, group[2], '-', '+', 1000)
    for _, each in ipairs(pending) do each[3] = 0 end -- how long ago
    parts[#parts + 1] = text(pending)
  end
  return table.concat(parts, ' ')
end

-- With the moments at which fields expire, where the server knows any.
local function hash(key)
  local pairs = redis.call('HGETALL', key)
  local times = {}
  for at = 1, #pairs, 2 do
    local time = redis.pcall('HPEXPIRETIME', key, 'FIELDS', 1, pairs[at])
    if not time.err and time[1] > 0 then
      times[#times + 1] = pairs[at]
      times[#times + 1] = time[1]
    end
  end
  return sorted(pairs, 2) .. (#times == 0 and '' or sorted(times, 2))
end

local function vectorset(key)
  local parts = {}
  for _, element in ipairs(redis.call('VRANDMEMBER', key, redis.call('VCARD', key))) do
    parts[#parts + 1] = text({ element, redis.call('VEMB', key, element), redis.call('VGETATTR', key, element) })
  end
  return sorted(parts, 1)
end

local readers = {
  string = function(key) return text(redis.call('GET', key)) end,
  list = function(key) return text(redis.call('LRANGE', key, 0, -1)) end,
  set = function(key) return sorted(redis.call('SMEMBERS', key), 1) end,
  zset = function(key) return text(redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')) end,
  hash = hash,
  stream = stream,
  vectorset = vectorset,
}

for db = 0, tonumber(ARGV[1]) - 1 do
  redis.call('SELECT', db)
  local keys = redis.call('KEYS', '*')
  table.sort(keys)
  for _, key in ipairs(keys) do
    local kind = redis.call('TYPE', key).ok
    lines[#lines + 1] = table.concat({ 'db' .. db, text(key), kind, redis.call('PEXPIRETIME', key), readers[kind](key) }, ' ')
  end
end
return lines
