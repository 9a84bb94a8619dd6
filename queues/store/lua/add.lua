-- Adds jobs, of any queues of this server, in one call: all or none.
-- ARGV: prefix, then per job: queue, id, '1' if the caller chose the id, dedupe key or '', its window in seconds, delay in seconds,
--       priority, owner or '', n, n hash values (field, value, ...).
-- Returns per job {id, status, '1' if it is new, fields of the job that is there if it is not}: another id is that of the waiting or
-- delayed job which holds the dedupe key; the status is 'taken', and nothing is written, where an unfinished job of another queue has
-- a chosen id.
local NEWER = { data = true, name = true, description = true, timeout = true } -- what a debounced job takes over from the last add
local answers = {}

local function status_of(id) return is_job(id) and redis.call('HGET', job_key(id), 'status') or nil end

-- The job that keeps this one from being added, if any, and its status.
local function rival(job)
  local own = job.chosen and status_of(job.id)
  if UNFINISHED[own or ''] then
    return job.id, redis.call('HGET', job_key(job.id), 'origin') == job.queue and own or 'taken', false
  end
  local holder = job.dedupe ~= '' and holder_of(job.queue, job.dedupe)
  local status = holder and status_of(holder)
  if status == 'scheduled' and not redis.call('ZSCORE', P .. ':scheduled:' .. job.queue, holder) then return nil end
  if status == 'queued' or status == 'scheduled' then return holder, status, true end
end

-- A second add moves the first job: to the better priority, and to the earlier due time or, with a window, to the window's end,
-- then with the newer payload. What asked for a pause by itself keeps it.
local function join(holder, status, job)
  local key, put_back = job_key(holder), redis.call('HGET', job_key(holder), 'put_back')
  local better = job.priority < priority_of(holder)
  if better then redis.call('HSET', key, 'priority', job.priority) end
  if put_back == 'retry' then redis.call('HSET', key, 'attempts_made', 0) end -- asked for anew
  if job.window > 0 then
    unindex_jobs({ holder }, {})
    for k = job.first, job.last, 2 do
      if NEWER[ARGV[k]] then redis.call('HSET', key, ARGV[k], ARGV[k + 1]) end
    end
    index_job(job.queue, holder, unpack(redis.call('HMGET', key, 'name', 'owner')))
  end
  if status == 'scheduled' and put_back ~= 'later' then
    local scheduled, due = P .. ':scheduled:' .. job.queue, now() + job.wait
    if job.wait <= 0 then
      redis.call('ZREM', scheduled, holder)
      enqueue(job.queue, holder, false)
    elseif job.window > 0 or due < tonumber(redis.call('ZSCORE', scheduled, holder) or 'inf') then
      delay(job.queue, holder, due)
      redis.call('EXPIRE', ext(job.queue, 'dedupe:' .. job.dedupe), math.ceil(job.wait) + DEDUPE_SPARE)
      ring(job.queue)
    end
  elseif better and status == 'queued' then
    withdraw_all(job.queue, { holder })
    push(job.queue, holder, false)
  end
end

local function name_in(job)
  for k = job.first, job.last, 2 do
    if ARGV[k] == 'name' then return ARGV[k + 1] end
  end
end

local function create(job)
  if job.chosen and is_job(job.id) then
    forget_ended(redis.call('HGET', job_key(job.id), 'origin') or job.queue, job.id)
    delete_job(job.id)
  end
  local moment = now()
  redis.call('HSET', job_key(job.id), 'since', string.format('%.6f', moment), unpack(ARGV, job.first, job.last))
  index_job(job.queue, job.id, name_in(job), job.owner)
  if job.dedupe ~= '' then
    redis.call('HSET', job_key(job.id), 'dedupe', job.dedupe)
    redis.call('SET', ext(job.queue, 'dedupe:' .. job.dedupe), job.id, 'EX', math.ceil(job.wait) + DEDUPE_SPARE)
  end
  if job.wait > 0 then
    delay(job.queue, job.id, moment + job.wait)
  else
    push(job.queue, job.id, false, { job.priority, job.owner })
  end
  ring(job.queue)
end

local checked = {}
local i = 2
while i <= #ARGV do
  local fault = not checked[ARGV[i]] and broken(ARGV[i])
  if fault then return redis.error_reply(fault) end
  checked[ARGV[i]] = true
  i = i + 9 + tonumber(ARGV[i + 8])
end
for queue in pairs(checked) do redis.pcall('SADD', P .. ':queues', P .. ':queue:' .. queue) end -- pcall: only RQ's tools read it

i = 2
while i <= #ARGV do
  local n = tonumber(ARGV[i + 8])
  local job = {
    queue = ARGV[i], id = ARGV[i + 1], chosen = ARGV[i + 2] == '1', dedupe = ARGV[i + 3], window = tonumber(ARGV[i + 4]),
    wait = tonumber(ARGV[i + 5]), priority = tonumber(ARGV[i + 6]), owner = ARGV[i + 7], first = i + 9, last = i + 8 + n,
  }
  local holder, status, may_move = rival(job)
  if not holder then
    create(job)
    answers[#answers + 1] = { job.id, job.wait > 0 and 'scheduled' or 'queued', '1', {} }
  else
    if may_move then join(holder, status, job) end
    local is_taken = status == 'taken'
    answers[#answers + 1] = { holder, is_taken and status or '', '', is_taken and {} or redis.call('HGETALL', job_key(holder)) }
  end
  i = i + 9 + n
end
return answers
