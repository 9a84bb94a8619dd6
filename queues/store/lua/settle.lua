-- Ends runs. Each is fenced by its lease: a worker that lost it changes nothing.
-- ARGV: prefix, worker, then per run: queue, id, execution, kind, delay in seconds, attempts_made, ended_at, keep, error, error class,
--       seconds that it ran, n, n values of RQ's result entry (field, value, ...).
-- Kinds: completed, retry (charged, after delay), later (uncharged, after delay), dead, back (uncharged, to the front).
-- `keep` is written as in common.lua. A job that is to be cancelled and was not completed dies of that, whatever the kind.
-- Returns per run 1 if it was settled, 2 if it was settled as cancelled instead, 3 if its queue is broken, 0 if its lease was gone.
local WORKER = ARGV[2]
local RESULT_SECONDS = 31536000
local CANCELLED = 'JobCancelled: it was cancelled while it ran'
local answers = {}
local moment = now()

local function count(field)
  local key = P .. ':worker:' .. WORKER
  if redis.call('EXISTS', key) == 1 then increase(key, field) end
end

local function outcome(queue, id, what) tally_outcome(queue, redis.call('HGET', job_key(id), 'name') or '', what) end

local function apply(queue, id, kind, wait, attempts_made, ended, keep, message, error_class)
  local key = job_key(id)
  if kind ~= 'completed' and kind ~= 'dead' and redis.call('HEXISTS', key, 'cancel') == 1 then
    redis.call('HSET', key, 'ended_at', ended)
    count('failed_job_count')
    die(queue, id, CANCELLED, 'JobCancelled', moment, keep)
    return 2
  end
  if kind == 'back' then
    hold_dedupe(queue, id, DEDUPE_SPARE)
    enqueue(queue, id, true)
    return 1
  end
  redis.call('HSET', key, 'attempts_made', attempts_made, 'ended_at', ended)
  if kind == 'completed' then
    redis.call('HSET', key, 'status', 'finished', 'over', '1')
    redis.call('HDEL', key, 'error', 'error_class', 'cancel')
    increase(ext(queue, 'totals'), 'completed')
    outcome(queue, id, 'completed')
    count('successful_job_count')
    finish(queue, id, 'finished', moment, keep)
  elseif kind == 'dead' then
    count('failed_job_count')
    die(queue, id, message, error_class, moment, keep)
  else
    redis.call('HSET', key, 'error', message, 'error_class', error_class, 'put_back', kind)
    if kind == 'retry' then
      increase(ext(queue, 'totals'), 'retried')
      outcome(queue, id, 'retried')
    end
    hold_dedupe(queue, id, math.ceil(wait) + DEDUPE_SPARE)
    if wait > 0 then
      delay(queue, id, moment + wait)
      ring(queue)
    else
      enqueue(queue, id, false)
    end
  end
  return 1
end

-- RQ's tools enqueued the job under its id while it ran: it stays where it waits, and starts anew.
local TOTALS = { completed = 'completed', dead = 'failed', retry = 'retried' }
local function enqueued_again(queue, id, kind)
  redis.call('HSET', job_key(id), 'over', '1')
  if TOTALS[kind] then
    increase(ext(queue, 'totals'), TOTALS[kind])
    outcome(queue, id, TOTALS[kind])
  end
end

local faults = {}
local i = 3
while i <= #ARGV do
  local queue, id, execution, n = ARGV[i], ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 11])
  if faults[queue] == nil then faults[queue] = broken(queue) ~= nil end
  local owned = faults[queue] and 3 or redis.call('ZREM', ext(queue, 'lease'), id .. ':' .. execution)
  if owned == 1 then
    forget_execution(queue, id, execution, WORKER)
    local status = is_job(id) and redis.call('HGET', job_key(id), 'status')
    if status then
      if ARGV[i + 3] ~= 'back' then tally_span(queue, redis.call('HGET', job_key(id), 'name') or '', 'run', tonumber(ARGV[i + 10]) or 0) end
      if n > 0 then
        local results = P .. ':results:' .. id
        redis.pcall('XADD', results, 'MAXLEN', 10, '*', unpack(ARGV, i + 12, i + 11 + n))
        redis.call('EXPIRE', results, RESULT_SECONDS)
      end
      if status == 'queued' or status == 'scheduled' then
        enqueued_again(queue, id, ARGV[i + 3])
      else
        owned = apply(queue, id, ARGV[i + 3], tonumber(ARGV[i + 4]), ARGV[i + 5], ARGV[i + 6], ARGV[i + 7], ARGV[i + 8], ARGV[i + 9])
      end
    end
  end
  answers[#answers + 1] = owned
  i = i + 12 + n
end
flush()
return answers
