-- Shared by all scripts: ARGV[1] is the key prefix; time is Redis's own.
local P = ARGV[1]
local function now()
  local t = redis.call('TIME')
  return tonumber(t[1]) + tonumber(t[2]) / 1000000
end
local function ext(queue, part) return P .. ':ext:' .. queue .. ':' .. part end
local function job_key(id) return P .. ':job:' .. id end

-- One marker wakes one idle worker; more than one would only be drained again.
local function ring(queue)
  local wake = ext(queue, 'wake')
  if redis.call('LLEN', wake) == 0 then redis.call('RPUSH', wake, '1') end
end

-- Waiting jobs: priority 0 in RQ's own list, all others in a sorted set, first in first out within a value.
local function push(queue, id, priority, at_front)
  if priority == 0 then
    redis.call(at_front and 'LPUSH' or 'RPUSH', P .. ':queue:' .. queue, id)
  else
    local seq = at_front and 0 or redis.call('HINCRBY', ext(queue, 'state'), 'seq', 1)
    redis.call('ZADD', ext(queue, 'prio'), priority * 4294967296 + seq, id)
  end
end

local function enqueue(queue, id, priority, at_front)
  redis.call('HSET', job_key(id), 'status', 'queued')
  push(queue, id, priority, at_front)
  ring(queue)
end

local function is_job(id) return string.match(id, '^[%w_%-]+$') and redis.call('TYPE', job_key(id)).ok == 'hash' end

local function delay(queue, id, due)
  redis.call('HSET', job_key(id), 'status', 'scheduled')
  redis.call('ZADD', P .. ':scheduled:' .. queue, string.format('%.6f', due), id)
end

local function priority_of(id) return tonumber(redis.call('HGET', job_key(id), 'priority') or '0') or 0 end

local function promote_due(queue, horizon, limit)
  local scheduled = P .. ':scheduled:' .. queue
  local due = redis.call('ZRANGEBYSCORE', scheduled, '-inf', horizon, 'LIMIT', 0, limit)
  for _, id in ipairs(due) do
    redis.call('ZREM', scheduled, id)
    if redis.call('EXISTS', job_key(id)) == 1 then
      redis.call('HSET', job_key(id), 'status', 'queued')
      push(queue, id, priority_of(id), false)
    end
  end
  return #due
end

local function delete_job(id)
  redis.call('DEL', job_key(id), P .. ':results:' .. id, P .. ':ext:log:' .. id, job_key(id) .. ':dependents', P .. ':executions:' .. id)
end

-- The traces of a long run that stock pages read; short jobs never wrote them.
local function forget_execution(queue, id, execution, worker)
  local member = id .. ':' .. execution
  if redis.call('ZREM', P .. ':wip:' .. queue, member) == 1 then
    redis.call('DEL', P .. ':execution:' .. member)
    redis.call('ZREM', P .. ':executions:' .. id, execution)
    if worker and worker ~= '' then redis.call('SREM', P .. ':worker:' .. worker .. ':executions', member) end
  end
end

-- pcall: a key of another type, which only a stranger can have put there, holds nothing.
local function holder_of(queue, dedupe)
  local holder = redis.pcall('GET', ext(queue, 'dedupe:' .. dedupe))
  return type(holder) == 'string' and holder or nil
end

local function release_dedupe(queue, id)
  local dedupe = redis.call('HGET', job_key(id), 'dedupe')
  if dedupe and holder_of(queue, dedupe) == id then redis.call('DEL', ext(queue, 'dedupe:' .. dedupe)) end
end

-- A dedupe key outlives its job's due time by an hour at most, so that a job which vanished blocks nobody for longer.
local DEDUPE_SPARE = 3600
local function hold_dedupe(queue, id, ttl)
  local dedupe = redis.call('HGET', job_key(id), 'dedupe')
  if dedupe then redis.call('SET', ext(queue, 'dedupe:' .. dedupe), id, 'NX', 'EX', ttl) end
end

-- RQ reads these scores as expiry times, so they lie ten years ahead; the order is that of the endings.
local FAR = 315360000
local function finish(queue, id, registry, ended, keep)
  local key = P .. ':' .. registry .. ':' .. queue
  redis.call('ZADD', key, string.format('%.6f', ended + FAR), id)
  local surplus = redis.call('ZCARD', key) - keep
  if surplus > 0 then
    local popped = redis.call('ZPOPMIN', key, math.min(surplus, 1000))
    for i = 1, #popped, 2 do delete_job(popped[i]) end
  end
end

local function die(queue, id, message, error_class, ended, keep)
  redis.call('HSET', job_key(id), 'status', 'failed', 'error', message, 'error_class', error_class)
  redis.call('HINCRBY', ext(queue, 'totals'), 'failed', 1)
  finish(queue, id, 'failed', ended, keep)
end
