-- Deletes jobs that do not run now. ARGV: prefix, queue, ids... Returns how many were deleted.
local queue, removed = ARGV[2], 0
local fault = broken(queue)
if fault then return redis.error_reply(fault) end
for i = 3, #ARGV do
  local id = ARGV[i]
  if is_job(id) and redis.call('HGET', job_key(id), 'status') ~= 'started' and (forget_ended(queue, id) or withdraw(queue, id)) then
    release_dedupe(queue, id)
    delete_job(id)
    removed = removed + 1
  end
end
return removed
