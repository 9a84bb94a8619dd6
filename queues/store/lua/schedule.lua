-- Takes a slot of a schedule and adds its run, in one step: a process that dies does both or neither.
-- ARGV: prefix, schedule, slot ('' to run by hand), the time from which the slot was computed or '', description of a cron schedule
-- or '', since when it is known (earlier slots are not meant), seconds until the state expires, then the job as `add` reads it.
-- Times are unix seconds by Redis's clock. Returns the id of the job that was added (by hand also one that waited before), or ''.
local KEEP, TTL, HOUR = 50, ARGV[7], 3600
local state, slot, moment = ext('schedule', ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]) or now()
local runs, since_key = state .. ':runs', state .. ':since:' .. ARGV[5]
local job = { P, unpack(ARGV, 8) }
local queue, dedupe = job[2], job[5]

-- A moment of the state; one that lies ahead was written before the clock was put back, and would stop the schedule until then.
local function floor_of(text)
  local value = tonumber(text or 0) or 0
  return value <= moment + HOUR and value or 0 -- nan too
end

local function waiting_run()
  local holder = holder_of(queue, dedupe)
  local status = holder and is_job(holder) and redis.call('HGET', job_key(holder), 'status')
  local waits = status == 'queued' or (status == 'scheduled' and redis.call('ZSCORE', P .. ':scheduled:' .. queue, holder))
  return waits and holder
end

local function record(kind, id, count)
  redis.call('LPUSH', runs, table.concat({ kind, slot or '-', string.format('%.3f', moment), id, count }, ' '))
  redis.call('LTRIM', runs, 0, KEEP - 1)
end

-- Slots passed over in a row for one waiting run are one entry.
local function record_waiting(id)
  local count = 1
  local last = redis.call('LINDEX', runs, 0)
  local last_id, last_count = string.match(last or '', '^waiting %S+ %S+ (%S+) (%d+)$')
  if last_id == id then
    count = tonumber(last_count) + 1
    redis.call('LPOP', runs)
  end
  record('waiting', id, count)
end

local function take()
  if slot then
    local since = ARGV[6]
    if ARGV[5] ~= '' and not redis.call('SET', since_key, since, 'NX', 'EX', TTL) then since = redis.call('GET', since_key) end
    local facts = redis.call('HMGET', state, 'disabled', 'slot', 'enabled_at')
    if facts[1] == '1' then return '' end
    if slot <= math.max(floor_of(since), floor_of(facts[2]), floor_of(facts[3])) then return '' end
    local waiting = waiting_run()
    if waiting then
      redis.call('HSET', state, 'slot', ARGV[3])
      record_waiting(waiting)
      return ''
    end
  end
  local id = add(job)[1][1] -- before the slot is taken: if this raises, it stays to be taken
  if slot then redis.call('HSET', state, 'slot', ARGV[3]) end
  redis.call('HSET', state, 'last_at', string.format('%.6f', moment), 'last_job', id)
  record(slot and 'slot' or 'hand', id, 1)
  return id
end

local added = take()
for _, key in ipairs({ state, runs, since_key }) do redis.call('EXPIRE', key, TTL) end
return added
