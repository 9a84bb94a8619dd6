-- Adds jobs, of any queues of this server, in one call: all or none.
-- ARGV: prefix, then per job: queue, id, dedupe key or '', delay in seconds, priority, n, n hash values (field, value, ...).
-- Returns the id per job: its own, or that of the waiting or delayed job which holds its dedupe key.
local ids = {}
local i = 2
while i <= #ARGV do
  local queue, id, dedupe = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local wait, priority, n = tonumber(ARGV[i + 3]), tonumber(ARGV[i + 4]), tonumber(ARGV[i + 5])
  local due = now() + wait
  local holder = dedupe ~= '' and holder_of(queue, dedupe)
  local status = holder and is_job(holder) and redis.call('HGET', job_key(holder), 'status')
  if status == 'scheduled' and not redis.call('ZSCORE', P .. ':scheduled:' .. queue, holder) then status = nil end
  if status == 'queued' or status == 'scheduled' then
    local better = priority < priority_of(holder)
    if better then redis.call('HSET', job_key(holder), 'priority', priority) end
    local put_back = redis.call('HGET', job_key(holder), 'put_back')
    if put_back == 'retry' then redis.call('HSET', job_key(holder), 'attempts_made', 0) end -- asked for anew
    if status == 'scheduled' and put_back ~= 'later' then -- what asked for a pause keeps it
      local scheduled = P .. ':scheduled:' .. queue
      if wait <= 0 then
        redis.call('ZREM', scheduled, holder)
        enqueue(queue, holder, priority_of(holder), false)
      elseif due < tonumber(redis.call('ZSCORE', scheduled, holder) or 'inf') then
        delay(queue, holder, due)
        ring(queue)
      end
    elseif better and status == 'queued' then
      redis.call('LREM', P .. ':queue:' .. queue, 1, holder)
      redis.call('ZREM', ext(queue, 'prio'), holder)
      push(queue, holder, priority, false)
    end
    ids[#ids + 1] = holder
  else
    redis.call('SADD', P .. ':queues', P .. ':queue:' .. queue)
    redis.call('HSET', job_key(id), unpack(ARGV, i + 6, i + 5 + n))
    if dedupe ~= '' then
      redis.call('HSET', job_key(id), 'dedupe', dedupe)
      redis.call('SET', ext(queue, 'dedupe:' .. dedupe), id, 'EX', math.ceil(wait) + DEDUPE_SPARE)
    end
    if wait > 0 then
      delay(queue, id, due)
      ring(queue)
    else
      enqueue(queue, id, priority, false)
    end
    ids[#ids + 1] = id
  end
  i = i + 6 + n
end
return ids
