-- Indexes jobs that were there before the index, or were left by plain RQ. ARGV: prefix, queue, ids... Returns how many lacked something.
local queue, FAR, indexed = ARGV[2], 315360000, 0
local fault = broken(queue)
if fault then return redis.error_reply(fault) end

-- Unix seconds of the UTC times that RQ writes, by the civil calendar's count of days.
local function seconds_of(text)
  local y, m, d, hours, minutes, seconds = string.match(text or '', '^(%d%d%d%d)-(%d%d)-(%d%d)T(%d%d):(%d%d):([%d.]+)Z$')
  if not y or not tonumber(seconds) then return nil end
  y, m = tonumber(y) - (tonumber(m) <= 2 and 1 or 0), (tonumber(m) + 9) % 12
  local days = 365 * y + math.floor(y / 4) - math.floor(y / 100) + math.floor(y / 400) + math.floor((153 * m + 2) / 5) + tonumber(d) - 719469
  return days * 86400 + tonumber(hours) * 3600 + tonumber(minutes) * 60 + tonumber(seconds)
end

local function died_at(id, ended_at)
  local score = (tonumber(redis.call('ZSCORE', P .. ':failed:' .. queue, id) or '') or 0) - FAR
  return score > 0 and score or seconds_of(ended_at) or now()
end

for i = 3, #ARGV do
  local id = ARGV[i]
  local facts = is_job(id) and redis.call('HMGET', job_key(id), 'origin', 'name', 'owner', 'status', 'error_class', 'since', 'created_at', 'ended_at')
  if facts and facts[1] == queue then
    local added_at, is_new = tonumber(facts[6] or '') or seconds_of(facts[7]) or now(), false
    local function note(kind, value, moment)
      if (value or '') == '' then return end
      is_new = redis.pcall('ZADD', ext(queue, 'by:' .. kind .. ':' .. value), 'NX', string.format('%.6f', moment), id) == 1 or is_new
    end
    note('name', facts[2], added_at)
    note('owner', facts[3], added_at)
    if facts[4] == 'failed' then note('error', facts[5], died_at(id, facts[8])) end
    if is_new then indexed = indexed + 1 end
  end
end
return indexed
