-- Stops one job: one that waits becomes a dead letter, one that runs is marked, for its worker to stop it.
-- ARGV: prefix, queue, id, ended_at, keep failed. Returns {state it was in or '', its worker}.
local queue, id = ARGV[2], ARGV[3]
local fault = broken(queue)
if fault then return redis.error_reply(fault) end
if not is_job(id) then return { '', '' } end
local key = job_key(id)
if redis.call('HGET', key, 'status') == 'started' then
  redis.call('HSET', key, 'cancel', '1')
  return { 'active', redis.call('HGET', key, 'worker_name') or '' }
end
local was = withdraw(queue, id)
if not was then return { '', '' } end
release_dedupe(queue, id)
redis.call('HSET', key, 'ended_at', ARGV[4])
die(queue, id, 'JobCancelled: it was cancelled before it ran', 'JobCancelled', ARGV[5])
flush()
return { was, '' }
