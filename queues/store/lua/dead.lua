-- Groups dead letters by error class and job name; writes nothing. ARGV: prefix, most dead letters to look at per queue, most groups, queues...
-- Returns per queue {what is wrong with it} alone where it is broken, else {dead letters, how many of the newest were looked at, then per group: error class, name, how many are kept, '1' if there
-- may be more of it than that, how many died in the last hour, day and week, when the first and the last did or ''}.
-- The hours are the clock's: each window is the present hour and the 1, 24 or 168 before.
local LOOK, MOST = tonumber(ARGV[2]), tonumber(ARGV[3])
local WEEK, DAY, HOUR = 168, 24, 1
local moment = now()
local answers = {}

local function holds(key, kind) return redis.call('TYPE', key).ok == kind end

local function class_in(text) return (string.gsub(text, ':', '.')) end

local function group_of(groups, error_class, name)
  local key = error_class .. ':' .. name
  if not groups[key] then groups[key] = { class = error_class, name = name, kept = 0, hour = 0, day = 0, week = 0 } end
  return groups[key]
end

local function read_times(queue, groups)
  local key = ext(queue, 'errors')
  local fields = holds(key, 'hash') and redis.call('HGETALL', key) or {}
  for k = 1, #fields, 2 do
    local which, error_class, name = string.match(fields[k], '^(%a+):([^:]*):(.*)$')
    if which == 'first' or which == 'last' then group_of(groups, error_class, name)[which] = tonumber(fields[k + 1]) end
  end
end

-- What is kept: counted among the newest. Where there are more, the index knows how many died of an error that strikes one name only.
local function read_kept(queue, groups)
  local failed, names = P .. ':failed:' .. queue, {}
  if not holds(failed, 'zset') then return 0, 0 end
  local found = redis.call('ZREVRANGE', failed, 0, LOOK - 1, 'WITHSCORES')
  for k = 1, #found, 2 do
    local facts = is_job(found[k]) and redis.call('HMGET', job_key(found[k]), 'status', 'name', 'error_class', 'ended_at')
    if facts and facts[1] == 'failed' then
      local group, ended = group_of(groups, class_in(facts[3] or ''), facts[2] or ''), ended_at(tonumber(found[k + 1]), facts[4])
      group.kept = group.kept + 1
      group.oldest, group.newest = math.min(group.oldest or ended, ended), math.max(group.newest or ended, ended)
    end
  end
  local total = redis.call('ZCARD', failed)
  if total > LOOK then
    for _, group in pairs(groups) do names[group.class] = (names[group.class] or 0) + 1 end
    for _, group in pairs(groups) do
      local index = ext(queue, 'by:error:' .. group.class)
      local indexed = names[group.class] == 1 and holds(index, 'zset') and redis.call('ZCARD', index) or 0
      group.has_more, group.kept = indexed < math.max(group.kept, 1), math.max(indexed, group.kept)
    end
  end
  return total, #found / 2
end

-- The last to die first; of too many groups those that died the longest ago are left out.
local function latest(groups)
  local ordered = {}
  for _, group in pairs(groups) do ordered[#ordered + 1] = group end
  table.sort(ordered, function(one, other) return (one.last or one.newest or 0) > (other.last or other.newest or 0) end)
  for k = #ordered, MOST + 1, -1 do ordered[k] = nil end
  return ordered
end

local function count(queue, groups)
  local fields = {}
  for k, group in ipairs(groups) do fields[k] = 'error:' .. group.class .. ':' .. group.name end
  for ago = 0, #fields > 0 and WEEK or -1 do
    local key = ext(queue, 'hour:' .. math.floor(moment / 3600) - ago)
    for k, value in ipairs(holds(key, 'hash') and redis.call('HMGET', key, unpack(fields)) or {}) do
      local group, died = groups[k], tonumber(value or '0') or 0
      group.week = group.week + died
      if ago <= DAY then group.day = group.day + died end
      if ago <= HOUR then group.hour = group.hour + died end
    end
  end
end

local function seconds(moment) return moment and string.format('%.3f', moment) or '' end

local function read(queue)
  local groups = {}
  read_times(queue, groups)
  local total, looked = read_kept(queue, groups)
  local ordered = latest(groups)
  count(queue, ordered)
  local answer = { total, looked }
  for _, group in ipairs(ordered) do
    if group.kept > 0 or group.week > 0 then
      for _, fact in ipairs({
        group.class, group.name, group.kept, group.has_more and '1' or '', group.hour, group.day, group.week,
        seconds(group.first or group.oldest), seconds(group.last or group.newest),
      }) do answer[#answer + 1] = fact end
    end
  end
  return answer
end

for i = 4, #ARGV do
  local fault = broken(ARGV[i])
  answers[#answers + 1] = fault and { fault } or read(ARGV[i])
end
return answers
