-- What scripts share: waiting, delaying, deleting, ending of jobs.

-- The first key of the queue whose place a stranger took with another type, as an error; nil where all is well. Asked before a script
-- writes anything, since what fails half-way is not taken back.
local function broken(queue)
  local wanted = {
    list = { P .. ':queue:' .. queue },
    zset = { ext(queue, 'prio'), ext(queue, 'lease'), P .. ':scheduled:' .. queue, P .. ':finished:' .. queue, P .. ':failed:' .. queue },
    hash = { ext(queue, 'state'), ext(queue, 'turns'), ext(queue, 'totals') },
  }
  for kind, keys in pairs(wanted) do
    for _, key in ipairs(keys) do
      local found = redis.call('TYPE', key).ok
      if found ~= 'none' and found ~= kind then return 'BROKEN ' .. key .. ' is a ' .. found .. ' where a ' .. kind .. ' belongs: delete it' end
    end
  end
end

-- One marker wakes one idle worker; more than one would only be drained again. pcall: a full Redis takes no marker, but workers that look
-- by themselves empty it, so nothing else may fail of that.
local function ring(queue)
  local wake = ext(queue, 'wake')
  local length = redis.pcall('LLEN', wake)
  if type(length) ~= 'number' then redis.call('DEL', wake) end -- a stranger's
  if length ~= 0 and type(length) == 'number' then return end
  redis.pcall('RPUSH', wake, '1')
end

-- Whole numbers within what add_job allows; else 0.
local function priority_in(text)
  local priority = tonumber(text or '0') or 0
  return priority >= -2097151 and priority <= 2097151 and math.floor(priority) or 0
end

-- Waiting jobs: RQ's own list for priority 0 without an owner, a sorted set for all others. Its order is the priority and,
-- within one, the turn: an owner's next job comes a turn after its last one, so that owners are served round by round
-- (jobs without an owner count as one owner's). `turns` holds, only while the set has members, the present turn of each
-- priority and the last turn given to each `priority:owner` that waits.
local SPAN = 4294967296
local function turn_in(text)
  local turn = tonumber(text or '0') or 0
  return turn >= 0 and turn < SPAN and turn or 0
end
local function push(queue, id, at_front, facts)
  facts = facts or redis.call('HMGET', job_key(id), 'priority', 'owner')
  local priority, owner = priority_in(facts[1]), string.sub(facts[2] or '', 1, 800)
  if priority == 0 and owner == '' then
    redis.call(at_front and 'LPUSH' or 'RPUSH', P .. ':queue:' .. queue, id)
    return
  end
  local prio, turns, turn = ext(queue, 'prio'), ext(queue, 'turns'), 0
  if not at_front then
    if redis.call('EXISTS', prio) == 0 then redis.call('DEL', turns) end
    local mine = priority .. ':' .. owner
    local known = redis.call('HMGET', turns, priority, mine)
    turn = math.max(turn_in(known[1]), turn_in(known[2])) + 1
    redis.call('HSET', turns, mine, turn)
  end
  redis.call('ZADD', prio, priority * SPAN + turn, id)
end

local function enqueue(queue, id, at_front)
  redis.call('HSET', job_key(id), 'status', 'queued', 'since', string.format('%.6f', now()))
  push(queue, id, at_front)
  ring(queue)
end

local function is_job(id) return string.match(id, '^[%w_%-]+$') and redis.call('TYPE', job_key(id)).ok == 'hash' end

-- Fields of a job's hash, in one step with the question whether it is a job: else nil.
local function facts_of(id, ...)
  if not string.match(id, '^[%w_%-]+$') then return nil end
  local facts = redis.pcall('HMGET', job_key(id), ...)
  if facts.err then return nil end -- a stranger's
  for k = 1, #facts do
    if facts[k] then return facts end
  end
  return is_job(id) and facts or nil
end

local function delay(queue, id, due)
  redis.call('HSET', job_key(id), 'status', 'scheduled')
  redis.call('ZADD', P .. ':scheduled:' .. queue, string.format('%.6f', due), id)
end

local function priority_of(id) return priority_in(redis.call('HGET', job_key(id), 'priority')) end

local function promote_due(queue, horizon, limit)
  local scheduled = P .. ':scheduled:' .. queue
  local due = redis.call('ZRANGEBYSCORE', scheduled, '-inf', horizon, 'WITHSCORES', 'LIMIT', 0, limit)
  for k = 1, #due, 2 do
    local id = due[k]
    redis.call('ZREM', scheduled, id)
    if is_job(id) then
      redis.call('HSET', job_key(id), 'status', 'queued', 'since', due[k + 1])
      push(queue, id, false)
    end
  end
end

-- Who looks for jobs of a name, of an owner, or dead of an error finds their ids here, by the time at which they were added or died.
local function index_job(queue, id, name, owner)
  local moment = string.format('%.6f', now())
  redis.pcall('ZADD', ext(queue, 'by:name:' .. (name or '')), moment, id)
  if (owner or '') ~= '' then redis.pcall('ZADD', ext(queue, 'by:owner:' .. owner), moment, id) end
end
local function unindex_error(queue, id)
  local error_class = redis.pcall('HGET', job_key(id), 'error_class')
  if type(error_class) == 'string' then redis.pcall('ZREM', ext(queue, 'by:error:' .. error_class), id) end
end
-- All but those in a state of `spared`; returns the ids of what was taken out, or was no job. At most a thousand ids.
local INDEXES = { 'name', 'owner', 'error' }
local function unindex_jobs(ids, spared)
  local found, members = {}, {}
  for _, id in ipairs(ids) do
    local facts = redis.pcall('HMGET', job_key(id), 'name', 'owner', 'error_class', 'origin', 'status')
    if not spared[facts[5] or ''] then
      found[#found + 1] = id
      for k, kind in ipairs(INDEXES) do
        if facts[4] and facts[k] then
          local key = ext(facts[4], 'by:' .. kind .. ':' .. facts[k])
          members[key] = members[key] or {}
          table.insert(members[key], id)
        end
      end
    end
  end
  for key, gone in pairs(members) do redis.pcall('ZREM', key, unpack(gone)) end
  return found
end

local function delete_jobs(ids, spared)
  local keys = {}
  for _, id in ipairs(unindex_jobs(ids, spared)) do
    local key, n = job_key(id), #keys
    keys[n + 1], keys[n + 2], keys[n + 3] = key, P .. ':results:' .. id, P .. ':ext:log:' .. id
    keys[n + 4], keys[n + 5] = key .. ':dependents', P .. ':executions:' .. id
  end
  if #keys > 0 then redis.call('DEL', unpack(keys)) end
end
local function delete_job(id) delete_jobs({ id }, {}) end

-- A registry may still name a job that RQ's tools have queued again under its id: that one is not deleted.
local UNFINISHED = { queued = true, scheduled = true, started = true }
local function delete_ended(ids) delete_jobs(ids, UNFINISHED) end

-- The traces of a long run that stock pages read; short jobs never wrote them. pcall: a stranger's key in their place shall not stop what
-- ends or renews runs half-way.
local function forget_execution(queue, id, execution, worker)
  local member = id .. ':' .. execution
  if redis.pcall('ZREM', P .. ':wip:' .. queue, member) == 1 then
    redis.call('DEL', P .. ':execution:' .. member)
    redis.pcall('ZREM', P .. ':executions:' .. id, execution)
    if worker and worker ~= '' then redis.pcall('SREM', P .. ':worker:' .. worker .. ':executions', member) end
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

-- Takes jobs from where they wait. Returns by id what each was, 'waiting' or 'delayed'. Many are sought in one walk along the list: LREM
-- would walk it once for each. ZREM comes first, since a full Redis lets a script go on that has begun to write.
local FEW, WALK = 8, 5000
local function withdraw_all(queue, ids)
  local scheduled, prio, list = P .. ':scheduled:' .. queue, ext(queue, 'prio'), P .. ':queue:' .. queue
  local was, sought, count = {}, {}, 0
  for _, id in ipairs(ids) do
    if redis.call('ZREM', scheduled, id) == 1 then
      was[id] = 'delayed'
    elseif redis.call('ZREM', prio, id) == 1 then
      was[id] = 'waiting'
    elseif not sought[id] and not was[id] then
      sought[id], count = true, count + 1
    end
  end
  if redis.call('EXISTS', prio) == 0 then redis.call('DEL', ext(queue, 'turns')) end
  if count <= FEW then
    for id in pairs(sought) do
      if redis.call('LREM', list, 1, id) == 1 then was[id] = 'waiting' end
    end
    return was
  end
  local at, emptied = 0, 0
  while emptied < count do
    local part = redis.call('LRANGE', list, at, at + WALK - 1)
    if #part == 0 then break end
    for k, id in ipairs(part) do
      if sought[id] then
        redis.call('LSET', list, at + k - 1, '')
        sought[id], was[id], emptied = nil, 'waiting', emptied + 1
      end
    end
    at = at + WALK
  end
  if emptied > 0 then redis.call('LREM', list, emptied, '') end
  return was
end

local function forget_ended(queue, id)
  local places = redis.call('ZREM', P .. ':finished:' .. queue, id) + redis.call('ZREM', P .. ':failed:' .. queue, id)
  return places > 0
end

-- Unix seconds of the UTC times that RQ writes, by the civil calendar's count of days.
local function seconds_of(text)
  local y, m, d, hours, minutes, seconds = string.match(text or '', '^(%d%d%d%d)-(%d%d)-(%d%d)T(%d%d):(%d%d):([%d.]+)Z$')
  if not y or not tonumber(seconds) then return nil end
  y, m = tonumber(y) - (tonumber(m) <= 2 and 1 or 0), (tonumber(m) + 9) % 12
  local days = 365 * y + math.floor(y / 4) - math.floor(y / 100) + math.floor(y / 400) + math.floor((153 * m + 2) / 5) + tonumber(d) - 719469
  return days * 86400 + tonumber(hours) * 3600 + tonumber(minutes) * 60 + tonumber(seconds)
end

-- RQ reads the scores of ended jobs as expiry times, so ours lie ten years ahead; the order is that of the endings. A nearer one is the expiry
-- of a job that a stock worker ended, whose hash tells when that was.
local FAR = 315360000
local function is_near(score) return score < now() + FAR / 2 or score == math.huge end
local function ended_at(score, told) return is_near(score) and math.min(seconds_of(told) or now(), now()) or score - FAR end

-- When a job ended that a registry's score makes older than the moment, if that was later; else nil or false.
local function later_end(id, score, moment)
  local ended = is_near(score) and is_job(id) and ended_at(score, redis.call('HGET', job_key(id), 'ended_at'))
  return ended and ended > moment and ended
end

-- At most so many jobs of a registry that ended before the moment; those of a stock worker that ended later are put where they belong.
-- Returns how many were looked at, too: fewer than asked for are the last.
local function ended_before(key, moment, most)
  local found, ids = redis.call('ZRANGEBYSCORE', key, '-inf', string.format('%.6f', moment + FAR), 'LIMIT', 0, most, 'WITHSCORES'), {}
  for k = 1, #found, 2 do
    local later = later_end(found[k], tonumber(found[k + 1]), moment)
    if later then
      redis.call('ZADD', key, 'XX', string.format('%.6f', later + FAR), found[k])
    else
      ids[#ids + 1] = found[k]
    end
  end
  return ids, #found / 2
end

-- `keep` is 'count:age in seconds', each may be empty for no limit; the job's own word goes before the queue's.
local KEEP = '^(%d*):(%d*)$'
local surpluses = {} -- per registry the queue's word, which is obeyed once, at the end of the script
local function trim(key, count, age)
  local surplus = count == '' and 0 or redis.call('ZCARD', key) - tonumber(count)
  if surplus > 0 then
    local popped, ids = redis.call('ZPOPMIN', key, math.min(surplus, 1000)), {}
    for i = 1, #popped, 2 do ids[#ids + 1] = popped[i] end
    delete_ended(ids)
  end
  if age ~= '' then
    local old = ended_before(key, now() - tonumber(age), 1000)
    if #old > 0 then
      redis.call('ZREM', key, unpack(old))
      delete_ended(old)
    end
  end
end
local function finish(queue, id, registry, keep, own)
  local key = P .. ':' .. registry .. ':' .. queue
  local count, age = string.match(own or keep, KEEP)
  if not count then count, age, own = string.match(keep, KEEP) end -- rubbish is no word of its own
  if count == '0' then
    delete_job(id)
    return
  end
  redis.call('ZADD', key, string.format('%.6f', now() + FAR), id)
  if own then trim(key, count, age) else surpluses[key] = { count, age } end
end

local function die(queue, id, message, error_class, keep)
  redis.call('HSET', job_key(id), 'status', 'failed', 'error', message, 'error_class', error_class, 'over', '1')
  redis.call('HDEL', job_key(id), 'cancel', 'put_back')
  local facts = redis.call('HMGET', job_key(id), 'name', 'keep_failed')
  tally_outcome(queue, facts[1] or '', 'failed')
  tally_error(queue, facts[1] or '', error_class)
  redis.pcall('ZADD', ext(queue, 'by:error:' .. error_class), string.format('%.6f', now()), id)
  finish(queue, id, 'failed', keep, facts[2])
end

-- What was put off to the end of a script that ends or starts runs.
local function flush()
  for key, keep in pairs(surpluses) do trim(key, keep[1], keep[2]) end
  surpluses = {}
  write_tallies()
end
