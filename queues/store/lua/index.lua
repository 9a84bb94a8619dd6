-- Indexes jobs that were there before the index, or were left by plain RQ. ARGV: prefix, queue, ids... Returns how many lacked something.
local queue, indexed = ARGV[2], 0
local fault = broken(queue)
if fault then return redis.error_reply(fault) end

local function died_at(id, told) return ended_at(tonumber(redis.call('ZSCORE', P .. ':failed:' .. queue, id) or '') or 0, told) end

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
