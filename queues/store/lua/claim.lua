-- Takes jobs for a worker and leases them.
-- ARGV: prefix, worker, execution token, lease in seconds, started_at, most jobs, then per queue: name, free units, n, n batch values (job name, size, ...).
-- A unit is one call: one job, or a batch of up to `size` jobs of one name. A job that stalled before is a unit of its own.
-- Returns {seconds to the next due job or '', jobs}, a job being {queue, id, execution, fields...} with the fields of FIELDS.
local WORKER, TOKEN, LEASE, STARTED, MOST = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6])
local FIELDS = { 'data', 'name', 'attempts', 'attempts_made', 'priority', 'stalled', 'created_at', 'timeout', 'origin' }
local PROMOTE = 1000
local moment = now()
local jobs, next_due, executions = {}, nil, 0

local function pop(queue)
  local prio = ext(queue, 'prio')
  local urgent = redis.call('ZRANGEBYSCORE', prio, '-inf', '(0', 'LIMIT', 0, 1)
  if urgent[1] then
    redis.call('ZREM', prio, urgent[1])
    return urgent[1]
  end
  local id = redis.call('LPOP', P .. ':queue:' .. queue)
  if id then return id end
  local popped = redis.call('ZPOPMIN', prio)
  return popped[1]
end

local function lease(queue, id)
  executions = executions + 1
  local execution = TOKEN .. '-' .. executions
  local values = redis.call('HMGET', job_key(id), unpack(FIELDS))
  redis.call('HSET', job_key(id), 'status', 'started', 'started_at', STARTED, 'worker_name', WORKER)
  redis.call('HDEL', job_key(id), 'put_back')
  redis.call('PERSIST', job_key(id))
  redis.call('ZADD', ext(queue, 'lease'), string.format('%.6f', moment + LEASE), id .. ':' .. execution)
  release_dedupe(queue, id)
  jobs[#jobs + 1] = { queue, id, execution, unpack(values) }
end

local function claim(queue, units, sizes)
  local open = {} -- per job name: places left in its unit that is being filled
  while executions < MOST do
    local id = pop(queue)
    if not id then return end
    if is_job(id) then -- what was planted or deleted is dropped
      local facts = redis.call('HMGET', job_key(id), 'name', 'stalled')
      local name = facts[1] or ''
      local alone = (tonumber(facts[2] or '0') or 0) > 0
      if not alone and (open[name] or 0) > 0 then
        open[name] = open[name] - 1
      elseif units > 0 then
        units = units - 1
        if not alone and sizes[name] then open[name] = sizes[name] - 1 end
      else
        push(queue, id, priority_of(id), true)
        ring(queue) -- what is left is for another worker, or for the next claim
        return
      end
      lease(queue, id)
    end
  end
end

local suspended = redis.call('EXISTS', P .. ':suspended') == 1
local i = 7
while i <= #ARGV do
  local queue, units, n = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local sizes = {}
  for k = i + 3, i + 2 + n, 2 do sizes[ARGV[k]] = tonumber(ARGV[k + 1]) end
  i = i + 3 + n
  if not suspended and redis.call('HGET', ext(queue, 'state'), 'paused') ~= '1' then
    promote_due(queue, string.format('%.6f', moment), PROMOTE)
    if units > 0 then
      claim(queue, units, sizes)
    elseif redis.call('LLEN', P .. ':queue:' .. queue) > 0 or redis.call('ZCARD', ext(queue, 'prio')) > 0 then
      ring(queue) -- this worker is full: whoever is idle shall look
    end
  end
  local first = redis.call('ZRANGE', P .. ':scheduled:' .. queue, 0, 0, 'WITHSCORES')
  if first[2] then
    local due = tonumber(first[2]) - moment
    if not next_due or due < next_due then next_due = due end
  end
end
return { next_due and string.format('%.6f', next_due) or '', jobs }
