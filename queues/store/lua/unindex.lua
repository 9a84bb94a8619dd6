-- Drops from the index what is no more as it says: plain RQ deletes jobs without a word. ARGV: prefix, first, last, keys of the index...
-- Returns how many were dropped.
local dropped = 0

local function holds(key, id)
  local facts = is_job(id) and redis.call('HMGET', job_key(id), 'origin', 'name', 'owner', 'status', 'error_class')
  if not facts or not facts[1] then return false end
  local function is_key(kind, value) return value and key == ext(facts[1], 'by:' .. kind .. ':' .. value) end
  return is_key('name', facts[2]) or is_key('owner', facts[3]) or (facts[4] == 'failed' and is_key('error', facts[5]))
end

for i = 4, #ARGV do
  local key = ARGV[i]
  if redis.call('TYPE', key).ok == 'zset' then
    for _, id in ipairs(redis.call('ZRANGE', key, ARGV[2], ARGV[3])) do
      if not holds(key, id) then dropped = dropped + redis.call('ZREM', key, id) end
    end
  end
end
return dropped
