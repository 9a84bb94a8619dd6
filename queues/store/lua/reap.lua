-- Takes back jobs whose lease ran out: to the front of their queue, uncharged; beyond the limit to the dead letters.
-- One that was to be cancelled is a dead letter too.
-- ARGV: prefix, queue, stall limit, keep failed, message, error class, ended_at. Returns {id, its error class if dead} pairs, flat.
local queue, limit, keep, message, error_class = ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6]
if broken(queue) then return {} end
local moment = now()
local answers = {}
local stale = redis.call('ZRANGEBYSCORE', ext(queue, 'lease'), '-inf', string.format('%.6f', moment), 'LIMIT', 0, 1000)
for k = #stale, 1, -1 do -- backwards, so that the one leased first comes to the very front
  local id, execution = string.match(stale[k], '^(.*):([^:]*)$')
  redis.call('ZREM', ext(queue, 'lease'), stale[k])
  if id and is_job(id) then
    forget_execution(queue, id, execution, redis.call('HGET', job_key(id), 'worker_name') or '')
    local stalls = (tonumber(redis.call('HGET', job_key(id), 'stalled') or '0') or 0) + 1
    redis.call('HSET', job_key(id), 'stalled', stalls)
    increase(ext(queue, 'totals'), 'stalled')
    tally_outcome(queue, redis.call('HGET', job_key(id), 'name') or '', 'stalled')
    local cause = ''
    if redis.call('HEXISTS', job_key(id), 'cancel') == 1 then
      cause = 'JobCancelled'
      redis.call('HSET', job_key(id), 'ended_at', ARGV[7])
      die(queue, id, 'JobCancelled: it was cancelled, and its worker disappeared', cause, moment, keep)
    elseif stalls > limit then
      cause = error_class
      redis.call('HSET', job_key(id), 'ended_at', ARGV[7])
      die(queue, id, message, cause, moment, keep)
    else
      hold_dedupe(queue, id, DEDUPE_SPARE)
      enqueue(queue, id, true)
    end
    answers[#answers + 1] = id
    answers[#answers + 1] = cause
  end
end
flush()
return answers
