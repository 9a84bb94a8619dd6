-- Takes back jobs whose lease ran out: to the front of their queue, uncharged; beyond the limit to the dead letters.
-- One that was to be cancelled is a dead letter too.
-- ARGV: prefix, queue, stall limit, keep failed, message, error class, ended_at. Returns {id, its error class if dead} pairs, flat.
local queue, limit, keep, message, error_class = ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6]
if broken(queue) then return {} end
local answers = {}
local stale = redis.call('ZRANGEBYSCORE', ext(queue, 'lease'), '-inf', string.format('%.6f', now()), 'LIMIT', 0, 1000)
for k = #stale, 1, -1 do -- backwards, so that the one leased first comes to the very front
  local id, execution = string.match(stale[k], '^(.*):([^:]*)$')
  redis.call('ZREM', ext(queue, 'lease'), stale[k])
  if id and is_job(id) then
    local facts = redis.call('HMGET', job_key(id), 'worker_name', 'stalled', 'name', 'cancel')
    forget_execution(queue, id, execution, facts[1] or '')
    local stalls = (tonumber(facts[2] or '0') or 0) + 1
    redis.call('HSET', job_key(id), 'stalled', stalls)
    tally_outcome(queue, facts[3] or '', 'stalled')
    local cause = ''
    if facts[4] then
      cause = 'JobCancelled'
      redis.call('HSET', job_key(id), 'ended_at', ARGV[7])
      die(queue, id, 'JobCancelled: it was cancelled, and its worker disappeared', cause, keep)
    elseif stalls > limit then
      cause = error_class
      redis.call('HSET', job_key(id), 'ended_at', ARGV[7])
      die(queue, id, message, cause, keep)
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
