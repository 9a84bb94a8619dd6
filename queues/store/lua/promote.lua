-- Makes delayed jobs waiting. ARGV: prefix, queue, ids... Returns how many were delayed and are waiting now.
local queue, promoted = ARGV[2], 0
local fault = broken(queue)
if fault then return redis.error_reply(fault) end
for i = 3, #ARGV do
  local id = ARGV[i]
  if redis.call('ZREM', P .. ':scheduled:' .. queue, id) == 1 and is_job(id) then
    enqueue(queue, id, false)
    promoted = promoted + 1
  end
end
return promoted
