-- Puts dead letters back to waiting, with their attempts reset. ARGV: prefix, queue, ids... Returns how many were dead and wait now.
local queue, retried = ARGV[2], 0
local fault = broken(queue)
if fault then return redis.error_reply(fault) end
for i = 3, #ARGV do
  local id = ARGV[i]
  if redis.call('ZREM', P .. ':failed:' .. queue, id) == 1 and is_job(id) then
    unindex_error(queue, id)
    redis.call('HSET', job_key(id), 'attempts_made', 0)
    redis.call('HDEL', job_key(id), 'stalled', 'ended_at', 'cancel', 'over')
    redis.call('PERSIST', job_key(id))
    hold_dedupe(queue, id, DEDUPE_SPARE)
    enqueue(queue, id, false)
    retried = retried + 1
  end
end
return retried
