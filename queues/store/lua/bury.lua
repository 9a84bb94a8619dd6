-- Deletes dead letters. ARGV: prefix, queue, ids... Returns how many were dead: one that was retried meanwhile is not touched.
local queue, buried = ARGV[2], 0
local fault = broken(queue)
if fault then return redis.error_reply(fault) end
for i = 3, #ARGV do
  local id = ARGV[i]
  if is_job(id) and redis.call('HGET', job_key(id), 'status') == 'failed' and redis.call('ZREM', P .. ':failed:' .. queue, id) == 1 then
    release_dedupe(queue, id)
    delete_job(id)
    buried = buried + 1
  end
end
return buried
