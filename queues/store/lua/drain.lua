-- Deletes waiting jobs, and delayed ones if asked. ARGV: prefix, queue, most, '1' for delayed ones too. Returns how many places were emptied.
local queue, most, taken = ARGV[2], tonumber(ARGV[3]), 0
local fault = broken(queue)
if fault then return redis.error_reply(fault) end

local function drop(ids)
  for _, id in ipairs(ids) do
    if is_job(id) then
      release_dedupe(queue, id)
      delete_job(id)
    end
  end
  taken = taken + #ids
end

local list, prio, scheduled = P .. ':queue:' .. queue, ext(queue, 'prio'), P .. ':scheduled:' .. queue
drop(redis.call('LRANGE', list, 0, most - 1))
redis.call('LTRIM', list, taken, -1)
for _, set in ipairs({ prio, ARGV[4] == '1' and scheduled or nil }) do
  local ids = most > taken and redis.call('ZRANGE', set, 0, most - taken - 1) or {}
  if #ids > 0 then
    redis.call('ZREM', set, unpack(ids))
    drop(ids)
  end
end
if redis.call('EXISTS', prio) == 0 then redis.call('DEL', ext(queue, 'turns')) end
return taken
