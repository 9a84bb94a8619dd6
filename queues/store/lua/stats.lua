-- Counts, of any queues of this server; writes nothing. ARGV: prefix, queues...
-- Returns per queue {waiting, active, delayed, completed, failed, paused, workers, busy slots, slots, completed, failed, retried and stalled
-- since ever, seconds since the oldest waiting job waits or '', for one of plain RQ's the time at which it was enqueued or ''}.
local PRIORITIES, LEASES = 32, 5000
local moment = now()
local answers = {}

-- Since when the oldest waiting job waits: the first of its priority. Unix seconds, or the text that plain RQ wrote.
local function oldest(queue)
  local heads, from, first = { redis.call('LINDEX', P .. ':queue:' .. queue, 0) or nil }, '-inf', nil
  for _ = 1, PRIORITIES do
    local head = redis.call('ZRANGEBYSCORE', ext(queue, 'prio'), from, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
    if not head[1] then break end
    heads[#heads + 1] = head[1]
    from = string.format('%.0f', (math.floor(tonumber(head[2]) / SPAN) + 1) * SPAN)
  end
  local text = ''
  for _, id in ipairs(heads) do
    local facts = is_job(id) and redis.call('HMGET', job_key(id), 'since', 'enqueued_at') or {}
    local since = tonumber(facts[1] or nil)
    if since and (not first or since < first) then first = since end
    if not since then text = facts[2] or '' end
  end
  return first and string.format('%.6f', first) or '', text
end

local function fleet(queue)
  local workers, slots = 0, 0
  for _, key in ipairs(redis.pcall('SMEMBERS', P .. ':workers:' .. queue)) do -- pcall: what a stranger put there is no worker
    local facts = redis.pcall('HMGET', key, 'birth', 'death', 'slots:' .. queue)
    if facts[1] and not facts[2] then
      workers, slots = workers + 1, slots + (tonumber(facts[3] or '1') or 1)
    end
  end
  return workers, slots
end

local function busy(queue)
  local units, count = {}, 0
  for _, member in ipairs(redis.call('ZRANGE', ext(queue, 'lease'), 0, LEASES)) do
    local unit = string.match(member, ':([^:]*)%-[^-]*$') or member
    if not units[unit] then units[unit], count = true, count + 1 end
  end
  return count
end

for i = 2, #ARGV do
  local queue = ARGV[i]
  local fault = broken(queue)
  if fault then return redis.error_reply(fault) end
  local waiting = redis.call('LLEN', P .. ':queue:' .. queue) + redis.call('ZCARD', ext(queue, 'prio'))
  local workers, slots = fleet(queue)
  local since, text = oldest(queue)
  local totals = redis.call('HMGET', ext(queue, 'totals'), 'completed', 'failed', 'retried', 'stalled')
  for k = 1, 4 do totals[k] = tonumber(totals[k] or '0') or 0 end
  answers[#answers + 1] = {
    waiting,
    redis.call('ZCARD', ext(queue, 'lease')),
    redis.call('ZCARD', P .. ':scheduled:' .. queue),
    redis.call('ZCARD', P .. ':finished:' .. queue),
    redis.call('ZCARD', P .. ':failed:' .. queue),
    redis.call('HGET', ext(queue, 'state'), 'paused') == '1' and 1 or 0,
    workers, math.min(busy(queue), slots), slots, totals[1], totals[2], totals[3], totals[4],
    since ~= '' and string.format('%.3f', math.max(0, moment - tonumber(since))) or '', text,
  }
end
return answers
