-- Stops jobs: those that wait become dead letters, those that run are marked, for their workers to stop them.
-- ARGV: prefix, queue, ended_at, keep failed, ids... Returns of each that was stopped {id, state it was in, its worker or ''}.
local queue, answers, waiting = ARGV[2], {}, {}
local fault = broken(queue)
if fault then return redis.error_reply(fault) end
for i = 5, #ARGV do
  local id = ARGV[i]
  local facts = is_job(id) and redis.call('HMGET', job_key(id), 'status', 'worker_name', 'origin') or {}
  if facts[1] == 'started' then
    if facts[3] == queue then
      redis.call('HDEL', job_key(id), 'cancel') -- a full Redis takes the next one only of a script that has begun to write
      redis.call('HSET', job_key(id), 'cancel', '1')
      answers[#answers + 1] = { id, 'active', facts[2] or '' }
    end
  elseif facts[1] then
    waiting[#waiting + 1] = id
  end
end
local was = withdraw_all(queue, waiting)
for _, id in ipairs(waiting) do
  if was[id] then
    release_dedupe(queue, id)
    redis.call('HSET', job_key(id), 'ended_at', ARGV[3])
    die(queue, id, 'JobCancelled: it was cancelled before it ran', 'JobCancelled', ARGV[4])
    answers[#answers + 1] = { id, was[id], '' }
    was[id] = nil
  end
end
flush()
return answers
