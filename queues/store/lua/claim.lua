-- Takes jobs for a worker and leases them.
-- ARGV: prefix, worker, execution token, lease in seconds, started_at, most jobs, then per queue: name, free units, n, n batch values (job name, size, ...).
-- A unit is one call: one job, or a batch of up to `size` jobs of one name. A job that stalled before is a unit of its own.
-- Returns {seconds to the next due job or '' (0 where so much was dropped that another call has to go on), jobs, the queues that this worker
-- leaves alone, those that are paused for all, errors of those that are broken}, a job being {queue, id, unit, execution, fields...} with
-- the fields of FIELDS and last, where the job asks for something of RQ's that this worker does not do, that field's name.
local WORKER, TOKEN, LEASE, STARTED, MOST = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6])
local FIELDS = { 'data', 'name', 'attempts', 'attempts_made', 'priority', 'stalled', 'created_at', 'timeout', 'origin', 'backoff', 'owner' }
local READ = { 'status', 'over', 'enqueued_at', 'started_at', 'since', 'dedupe', 'put_back', 'progress', unpack(FIELDS) }
local FIRST = #READ - #FIELDS -- what is read of a job before the fields that its worker is told
local FOREIGN = {
  'dependency_id', 'dependency_ids', 'success_callback_name', 'failure_callback_name', 'stopped_callback_name',
  'repeats_left', 'retries_left', 'webhooks', 'rate_limit_key',
}
local RAN = { started = true, scheduled = true, finished = true, failed = true }
local EMPTY = { [''] = true, ['[]'] = true, ['null'] = true, ['None'] = true }
local PROMOTE, DROPS = 1000, 1000
local LOOK = 100 -- how far behind the next job others are looked for that fit into a call
local moment = now()
local jobs, next_due, executions, unit, dropped = {}, nil, 0, 0, 0

local function pop_prioritized(queue, prio, id, score)
  redis.call('ZREM', prio, id)
  local turns = ext(queue, 'turns')
  if redis.call('EXISTS', prio) == 0 then
    redis.call('DEL', turns)
    return id, score
  end
  local priority = math.floor(score / SPAN)
  local owner = is_job(id) and redis.call('HGET', job_key(id), 'owner') or ''
  local turn, mine = score - priority * SPAN, priority .. ':' .. string.sub(owner, 1, 800)
  if turn > 0 and turn < SPAN then
    redis.call('HSET', turns, priority, turn)
    if turn_in(redis.call('HGET', turns, mine)) <= turn then redis.call('HDEL', turns, mine) end
  end
  return id, score
end

-- Urgent jobs first, then those of priority 0 (with an owner and without in turn, where both wait), then all others.
-- Returns the id, and its score where it came from the sorted set.
local function pop(queue, list, prio)
  local head = redis.call('ZRANGE', prio, 0, 0, 'WITHSCORES')
  local score = head[2] and tonumber(head[2])
  if not score or score >= SPAN then
    local id = redis.call('LPOP', list)
    if id or not score then return id end
  elseif score >= 0 and redis.call('EXISTS', list) == 1 then
    if redis.call('HGET', ext(queue, 'turns'), 'list') then
      redis.call('HDEL', ext(queue, 'turns'), 'list')
    else
      redis.call('HSET', ext(queue, 'turns'), 'list', 1)
      return redis.call('LPOP', list)
    end
  end
  return pop_prioritized(queue, prio, head[1], score)
end

local function ring_if_any(queue)
  if redis.call('EXISTS', P .. ':queue:' .. queue, ext(queue, 'prio')) > 0 then ring(queue) end
end

local function foreign(id)
  local values = redis.call('HMGET', job_key(id), unpack(FOREIGN))
  for k, field in ipairs(FOREIGN) do
    local used_up = values[k] == '0' and string.match(field, '_left$')
    if values[k] and not EMPTY[values[k]] and not used_up then return field end
  end
  return false
end

-- RQ's tools queue a waiting job a second time, and their cancel does not know the sorted set: such an entry is not due. One of a
-- job that ran is due only where the job was enqueued again since.
local function is_due(status, enqueued_at, started_at)
  if status == 'canceled' or status == 'stopped' then return false end
  return not RAN[status] or (enqueued_at or '') > (started_at or '')
end

local function lease(queue, id, in_unit, facts)
  executions = executions + 1
  local execution, key, since = TOKEN .. '-' .. in_unit .. '-' .. executions, job_key(id), tonumber(facts[5] or nil)
  redis.call('HSET', key, 'status', 'started', 'started_at', STARTED, 'worker_name', WORKER)
  if facts[7] or facts[8] then redis.call('HDEL', key, 'put_back', 'progress') end
  redis.call('PERSIST', key)
  redis.call('ZADD', ext(queue, 'lease'), string.format('%.6f', moment + LEASE), id .. ':' .. execution)
  if facts[6] then release_dedupe(queue, id) end
  if since then tally_span(queue, facts[FIRST + 2] or '', 'wait', moment - since) end
  local has_attempts = facts[FIRST + 3] -- as jobs of ours always do
  facts[#READ + 1] = not has_attempts and foreign(id)
  jobs[#jobs + 1] = { queue, id, in_unit, execution, unpack(facts, FIRST + 1, #READ + 1) }
end

-- Gives the places that are left in calls to jobs further back: others between them would make calls of one job each.
local function fill(queue, list, prio, open, places)
  local function look(ids, step, take)
    for k = 1, #ids, step do
      if places == 0 or executions == MOST then return end
      local facts = facts_of(ids[k], unpack(READ))
      local filling = facts and not facts[2] and is_due(facts[1] or '', facts[3], facts[4]) and open[facts[FIRST + 2] or '']
      if filling and filling.left > 0 and (tonumber(facts[FIRST + 6] or '0') or 0) == 0 then
        take(ids[k], tonumber(ids[k + 1]))
        filling.left, places = filling.left - 1, places - 1
        lease(queue, ids[k], filling.unit, facts)
      end
    end
  end
  look(redis.call('ZRANGE', prio, 0, LOOK - 1, 'WITHSCORES'), 2, function(id, score) pop_prioritized(queue, prio, id, score) end)
  look(redis.call('LRANGE', list, 0, LOOK - 1), 1, function(id) redis.call('LREM', list, 1, id) end)
end

local function claim(queue, units, sizes)
  local open, places = {}, 0 -- per job name its unit that is being filled, with the places left; and all such places
  local list, prio = P .. ':queue:' .. queue, ext(queue, 'prio')
  while executions < MOST and units + places > 0 do
    if dropped == DROPS then -- bounds how long Redis is held up
      next_due = 0
      break
    end
    local id, score = pop(queue, list, prio)
    if not id then return end
    local facts = facts_of(id, unpack(READ))
    if facts and is_due(facts[1] or '', facts[3], facts[4]) then -- what was planted, deleted or is not due is dropped
      if facts[2] then -- it had ended, and RQ's tools queued it again: that is a retry
        unindex_error(queue, id)
        redis.call('HSET', job_key(id), 'attempts_made', 0)
        redis.call('HDEL', job_key(id), 'over', 'stalled', 'ended_at', 'cancel')
        facts[FIRST + 4], facts[FIRST + 6] = '0', false
      end
      local name = facts[FIRST + 2] or ''
      local alone = (tonumber(facts[FIRST + 6] or '0') or 0) > 0
      local filling = not alone and open[name]
      if filling and filling.left > 0 then
        filling.left, places = filling.left - 1, places - 1
        lease(queue, id, filling.unit, facts)
      elseif units > 0 then
        units, unit = units - 1, unit + 1
        if not alone and sizes[name] then
          places = places - (filling and filling.left or 0) + sizes[name] - 1
          open[name] = { unit = unit, left = sizes[name] - 1 }
        end
        lease(queue, id, unit, facts)
      else
        if score then
          redis.call('ZADD', prio, math.floor(score / SPAN) * SPAN, id) -- before all turns: they may be forgotten by now
          redis.call('HSET', ext(queue, 'turns'), 'list', 1) -- the list had its turn, this one has not
        else
          redis.call('LPUSH', list, id)
          redis.call('HDEL', ext(queue, 'turns'), 'list')
        end
        fill(queue, list, prio, open, places)
        break
      end
    else
      dropped = dropped + 1
    end
  end
  ring_if_any(queue) -- what is left is for another worker, or for the next claim
end

local suspended = redis.call('EXISTS', P .. ':suspended') == 1
local own, resting, paused, faults = P .. ':worker:' .. WORKER, {}, {}, {}
local function is_set(key, field) return redis.pcall('HGET', key, field) == '1' end -- pcall: a stranger's key says nothing
local rests = is_set(own, 'paused')

local function serve(queue, units, sizes)
  promote_due(queue, string.format('%.6f', moment), PROMOTE) -- in a pause too: what is due waits
  local is_resting = rests or is_set(own, 'paused:' .. queue)
  if is_resting then resting[#resting + 1] = queue end
  if redis.call('HGET', ext(queue, 'state'), 'paused') == '1' then
    paused[#paused + 1] = queue
  elseif not suspended then
    if units > 0 and not is_resting then
      claim(queue, units, sizes)
    else
      ring_if_any(queue) -- this worker is full, or pauses: whoever is idle shall look
    end
  end
  local first = redis.call('ZRANGE', P .. ':scheduled:' .. queue, 0, 0, 'WITHSCORES')
  if first[2] then
    local due = tonumber(first[2]) - moment
    if not next_due or due < next_due then next_due = due end
  end
end

local i = 7
while i <= #ARGV do
  local queue, units, n = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local sizes = {}
  for k = i + 3, i + 2 + n, 2 do sizes[ARGV[k]] = tonumber(ARGV[k + 1]) end
  i = i + 3 + n
  local fault = broken(queue)
  if fault then
    faults[#faults + 1] = fault
  else
    serve(queue, units, sizes)
  end
end
flush()
return { next_due and string.format('%.6f', next_due) or '', jobs, resting, paused, faults }
