-- Ends runs. Each is fenced by its lease: a worker that lost it changes nothing.
-- ARGV: prefix, worker, then per run: queue, id, execution, kind, delay in seconds, attempts_made, ended_at, keep, error, error class,
--       seconds that it ran, n, n values of RQ's result entry (field, value, ...).
-- Kinds: completed, retry (charged, after delay), later (uncharged, after delay), dead, back (uncharged, to the front).
-- `keep` is written as in common.lua. A job that is to be cancelled and was not completed dies of that, whatever the kind.
-- Returns per run 1 if it was settled, 2 if it was settled as cancelled instead, 3 if its queue is broken, 0 if its lease was gone.
local WORKER = ARGV[2]
local RESULT_SECONDS = 31536000
local CANCELLED = 'JobCancelled: it was cancelled while it ran'
local OUTCOMES = { completed = 'completed', dead = 'failed', retry = 'retried' }
local JOBS = { completed = 'successful_job_count', failed = 'failed_job_count' }
local answers, ended_jobs = {}, {}
local moment = now()

local function count(what) ended_jobs[what] = (ended_jobs[what] or 0) + 1 end

-- pcall: a counter that a stranger made no number of counts nothing more.
local function write_counts()
  local key = P .. ':worker:' .. WORKER
  if not next(ended_jobs) or redis.call('EXISTS', key) == 0 then return end
  for what, jobs in pairs(ended_jobs) do redis.pcall('HINCRBY', key, JOBS[what], jobs) end
end

local function complete(run, job)
  redis.call('HSET', job.key, 'attempts_made', run.attempts_made, 'ended_at', run.ended, 'status', 'finished', 'over', '1')
  if job.error_class or job.cancel then redis.call('HDEL', job.key, 'error', 'error_class', 'cancel') end
  tally_outcome(run.queue, job.name, 'completed')
  count('completed')
  finish(run.queue, run.id, 'finished', run.keep, job.keep_completed)
end

local function put_back(run, job)
  redis.call('HSET', job.key, 'attempts_made', run.attempts_made, 'ended_at', run.ended,
    'error', run.message, 'error_class', run.error_class, 'put_back', run.kind)
  if run.kind == 'retry' then tally_outcome(run.queue, job.name, 'retried') end
  hold_dedupe(run.queue, run.id, math.ceil(run.wait) + DEDUPE_SPARE)
  if run.wait > 0 then
    delay(run.queue, run.id, moment + run.wait)
    ring(run.queue)
  else
    enqueue(run.queue, run.id, false)
  end
end

local function apply(run, job)
  if run.kind == 'completed' then
    complete(run, job)
  elseif run.kind == 'dead' then
    redis.call('HSET', job.key, 'attempts_made', run.attempts_made, 'ended_at', run.ended)
    count('failed')
    die(run.queue, run.id, run.message, run.error_class, run.keep)
  elseif job.cancel then
    redis.call('HSET', job.key, 'ended_at', run.ended)
    count('failed')
    die(run.queue, run.id, CANCELLED, 'JobCancelled', run.keep)
    return 2
  elseif run.kind == 'back' then
    hold_dedupe(run.queue, run.id, DEDUPE_SPARE)
    enqueue(run.queue, run.id, true)
  else
    put_back(run, job)
  end
  return 1
end

-- RQ's tools enqueued the job under its id while it ran: it stays where it waits, and starts anew.
local function enqueued_again(run, job)
  redis.call('HSET', job.key, 'over', '1')
  if OUTCOMES[run.kind] then tally_outcome(run.queue, job.name, OUTCOMES[run.kind]) end
end

local function settle(run, i, n)
  local facts = facts_of(run.id, 'status', 'name', 'cancel', 'error_class', 'keep_completed')
  if not (facts and facts[1]) then return 1 end
  local job = { key = job_key(run.id), name = facts[2] or '', cancel = facts[3], error_class = facts[4], keep_completed = facts[5] }
  if run.kind ~= 'back' then tally_span(run.queue, job.name, 'run', run.seconds) end
  if n > 0 then
    local results = P .. ':results:' .. run.id
    redis.pcall('XADD', results, 'MAXLEN', 10, '*', unpack(ARGV, i + 12, i + 11 + n))
    redis.call('EXPIRE', results, RESULT_SECONDS)
  end
  if facts[1] ~= 'queued' and facts[1] ~= 'scheduled' then return apply(run, job) end
  enqueued_again(run, job)
  return 1
end

local faults, shown = {}, {} -- per queue: whether it is broken, whether any run of it shows to stock pages
local i = 3
while i <= #ARGV do
  local n = tonumber(ARGV[i + 11])
  local queue, id, execution = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local run = {
    queue = queue, id = id, kind = ARGV[i + 3], wait = tonumber(ARGV[i + 4]), attempts_made = ARGV[i + 5], ended = ARGV[i + 6],
    keep = ARGV[i + 7], message = ARGV[i + 8], error_class = ARGV[i + 9], seconds = tonumber(ARGV[i + 10]) or 0,
  }
  if faults[queue] == nil then
    faults[queue] = broken(queue) ~= nil
    shown[queue] = redis.call('EXISTS', P .. ':wip:' .. queue) == 1
  end
  local answer = faults[queue] and 3 or redis.call('ZREM', ext(queue, 'lease'), id .. ':' .. execution)
  if answer == 1 then
    if shown[queue] then forget_execution(queue, id, execution, WORKER) end
    answer = settle(run, i, n)
  end
  answers[#answers + 1] = answer
  i = i + 12 + n
end
write_counts()
flush()
return answers
