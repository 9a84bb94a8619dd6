-- Makes delayed jobs waiting. ARGV: prefix, queue, ids... Returns how many were delayed and are waiting now.
local queue, promoted = ARGV[2], 0
for i = 3, #ARGV do
  local id = ARGV[i]
  if redis.call('ZREM', P .. ':scheduled:' .. queue, id) == 1 and redis.call('EXISTS', job_key(id)) == 1 then
    enqueue(queue, id, false)
    promoted = promoted + 1
  end
end
return promoted
