-- Deletes jobs of one registry that ended at least so long ago, oldest first.
-- ARGV: prefix, registry key, age in seconds, most, 1 to count only. Returns how many, and how many were looked at: fewer than `most` are the last.
local registry, moment = ARGV[2], now() - tonumber(ARGV[3])
local kind = redis.call('TYPE', registry).ok
if kind ~= 'zset' and kind ~= 'none' then return redis.error_reply('BROKEN ' .. registry .. ' is a ' .. kind .. ' where a zset belongs: delete it') end

local function count()
  local before = string.format('%.6f', moment + FAR)
  local number = redis.call('ZCOUNT', registry, '-inf', before)
  local first = redis.call('ZRANGEBYSCORE', registry, '-inf', before, 'LIMIT', 0, 10000, 'WITHSCORES')
  for k = 1, #first, 2 do
    local score = tonumber(first[k + 1])
    if not is_near(score) then break end
    if later_end(first[k], score, moment) then number = number - 1 end
  end
  return number
end

if ARGV[5] == '1' then return { count(), 0 } end
local ids, looked = ended_before(registry, moment, tonumber(ARGV[4]))
for _, id in ipairs(ids) do
  redis.call('ZREM', registry, id)
  delete_ended({ id })
end
return { #ids, looked }
