-- Deletes jobs of one registry that ended at least so long ago, oldest first.
-- ARGV: prefix, registry key, age in seconds, most, 1 to count only. Returns how many.
local registry = ARGV[2]
local kind = redis.call('TYPE', registry).ok
if kind ~= 'zset' and kind ~= 'none' then return redis.error_reply('BROKEN ' .. registry .. ' is a ' .. kind .. ' where a zset belongs: delete it') end
local before = string.format('%.6f', now() - tonumber(ARGV[3]) + 315360000)
if ARGV[5] == '1' then return redis.call('ZCOUNT', registry, '-inf', before) end
local ids = redis.call('ZRANGEBYSCORE', registry, '-inf', before, 'LIMIT', 0, tonumber(ARGV[4]))
for _, id in ipairs(ids) do
  redis.call('ZREM', registry, id)
  delete_ended({ id })
end
return #ids
