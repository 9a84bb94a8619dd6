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

-- Waiting jobs: RQ's own list for priority 0 without an owner, a sorted set for all others. Its order is the priority and,
-- within one, the turn: an owner's next job comes a turn after its last one, so that owners are served round by round
-- (jobs without an owner count as one owner's). `turns` holds, only while the set has members, the present turn of each
-- priority and the last turn given to each `priority:owner` that waits.
local SPAN = 4294967296
local function push(queue, id, at_front)
  local facts = redis.call('HMGET', job_key(id), 'priority', 'owner')
  local priority, owner = tonumber(facts[1] or '0') or 0, facts[2] or ''
  if priority == 0 and owner == '' then
    redis.call(at_front and 'LPUSH' or 'RPUSH', P .. ':queue:' .. queue, id)
    return
  end
  local prio, turns, turn = ext(queue, 'prio'), ext(queue, 'turns'), 0
  if not at_front then
    if redis.call('EXISTS', prio) == 0 then redis.call('DEL', turns) end
    local mine = priority .. ':' .. owner
    local known = redis.call('HMGET', turns, priority, mine)
    turn = math.max(tonumber(known[1] or '0'), tonumber(known[2] or '0')) + 1
    redis.call('HSET', turns, mine, turn)
  end
  redis.call('ZADD', prio, priority * SPAN + turn, id)
end

local function enqueue(queue, id, at_front)
  redis.call('HSET', job_key(id), 'status', 'queued')
  if not at_front then redis.call('HSET', job_key(id), 'since', string.format('%.6f', now())) end
  push(queue, id, at_front)
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
  local due = redis.call('ZRANGEBYSCORE', scheduled, '-inf', horizon, 'WITHSCORES', 'LIMIT', 0, limit)
  for k = 1, #due, 2 do
    local id = due[k]
    redis.call('ZREM', scheduled, id)
    if redis.call('EXISTS', job_key(id)) == 1 then
      redis.call('HSET', job_key(id), 'status', 'queued', 'since', due[k + 1])
      push(queue, id, false)
    end
  end
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

-- A dedupe key outlives its job's due time by a week at most: longer than a backlog lasts, and yet nothing stays for ever of a job that
-- vanished. Who asks for the key looks whether its job still waits.
local DEDUPE_SPARE = 604800
local function hold_dedupe(queue, id, ttl)
  local dedupe = redis.call('HGET', job_key(id), 'dedupe')
  if dedupe then redis.call('SET', ext(queue, 'dedupe:' .. dedupe), id, 'NX', 'EX', ttl) end
end

-- Takes a job from where it waits. Returns 'waiting', 'delayed' or nil.
local function withdraw(queue, id)
  if redis.call('ZREM', P .. ':scheduled:' .. queue, id) == 1 then return 'delayed' end
  if redis.call('ZREM', ext(queue, 'prio'), id) == 1 then return 'waiting' end
  if redis.call('LREM', P .. ':queue:' .. queue, 1, id) == 1 then return 'waiting' end
  return nil
end

local function forget_ended(queue, id)
  local places = redis.call('ZREM', P .. ':finished:' .. queue, id) + redis.call('ZREM', P .. ':failed:' .. queue, id)
  return places > 0
end

-- RQ reads these scores as expiry times, so they lie ten years ahead; the order is that of the endings.
-- `keep` is 'count:age in seconds', each may be empty for no limit; the job's own word goes before the queue's.
local FAR, KEEP = 315360000, '^(%d*):(%d*)$'
local function finish(queue, id, registry, ended, keep)
  local key = P .. ':' .. registry .. ':' .. queue
  local own = redis.call('HGET', job_key(id), registry == 'finished' and 'keep_completed' or 'keep_failed')
  local count, age = string.match(own or keep, KEEP)
  if not count then count, age = string.match(keep, KEEP) end
  if count == '0' then
    delete_job(id)
    return
  end
  redis.call('ZADD', key, string.format('%.6f', ended + FAR), id)
  local surplus = count == '' and 0 or redis.call('ZCARD', key) - tonumber(count)
  if surplus > 0 then
    local popped = redis.call('ZPOPMIN', key, math.min(surplus, 1000))
    for i = 1, #popped, 2 do delete_job(popped[i]) end
  end
  if age ~= '' then
    local old = redis.call('ZRANGEBYSCORE', key, '-inf', string.format('(%.6f', ended + FAR - tonumber(age)), 'LIMIT', 0, 1000)
    for _, gone in ipairs(old) do
      redis.call('ZREM', key, gone)
      delete_job(gone)
    end
  end
end

local function die(queue, id, message, error_class, ended, keep)
  redis.call('HSET', job_key(id), 'status', 'failed', 'error', message, 'error_class', error_class)
  redis.call('HDEL', job_key(id), 'cancel', 'put_back')
  redis.call('HINCRBY', ext(queue, 'totals'), 'failed', 1)
  finish(queue, id, 'failed', ended, keep)
end
