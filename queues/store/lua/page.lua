-- Looks for jobs of one state, from an anchor on; writes nothing.
-- ARGV: prefix, queue, state, 'last' for the end of the order first, name or '', owner or '', error class or '', source or '', offset,
--       score or '', member or '', -1 to look before the anchor instead of after it, most rows, most jobs to look at.
-- The source is what is looked through: 'state', or the index by 'name', 'owner' or 'error', whichever is the smallest unless it is given.
-- The anchor is the row of this member, else (it is gone) of its score, else of the offset; without any, the beginning.
-- Returns {source, jobs in it, how many were looked at, '1' if the end was reached, offset of the last one looked at, then per row: member,
-- score or '', offset, when it is due where it is delayed or ''}, in the order of looking.
local queue, state, is_last = ARGV[2], ARGV[3], ARGV[4] == 'last'
local wanted = { name = ARGV[5], owner = ARGV[6], error = ARGV[7] }
local FIELDS = { name = 'name', owner = 'owner', error = 'error_class' }
local STATUS = { waiting = 'queued', active = 'started', delayed = 'scheduled', completed = 'finished', failed = 'failed' }
local PART, SEEK = 500, 100000
local fault = broken(queue)
if fault then return redis.error_reply(fault) end

-- Each sequence has `count`, `part(from, to)` giving members and scores, and `find(member, score)` giving an offset or nil.
local function sorted(key)
  local kind = redis.call('TYPE', key).ok
  local count = kind == 'zset' and redis.call('ZCARD', key) or 0
  return {
    count = count,
    part = function(from, to) return redis.call(is_last and 'ZREVRANGE' or 'ZRANGE', key, from, to, 'WITHSCORES') end,
    find = function(member, score)
      if count == 0 then return nil end
      local rank = redis.call(is_last and 'ZREVRANK' or 'ZRANK', key, member)
      if rank or score == '' then return rank or nil end
      local before = is_last and redis.call('ZCOUNT', key, '(' .. score, '+inf') or redis.call('ZCOUNT', key, '-inf', '(' .. score)
      return before - 1 -- the place before the first that stood with it or came after it
    end,
  }
end

-- The urgent ones of the sorted set, the list, then the others of the set.
local function waiting()
  local prio, list = ext(queue, 'prio'), P .. ':queue:' .. queue
  local urgent, plain, all = redis.call('ZCOUNT', prio, '-inf', '(0'), redis.call('LLEN', list), redis.call('ZCARD', prio)
  local count = plain + all
  local function turned(offset) return is_last and count - 1 - offset or offset end
  local function add(rows, members)
    for _, member in ipairs(members) do
      rows[#rows + 1] = member
      rows[#rows + 1] = ''
    end
  end
  return {
    count = count,
    part = function(from, to)
      to = math.min(to, count - 1)
      local first, last = math.min(turned(from), turned(to)), math.max(turned(from), turned(to))
      local rows = {}
      if first < urgent then add(rows, redis.call('ZRANGE', prio, first, math.min(last, urgent - 1))) end
      if last >= urgent and first < urgent + plain then
        add(rows, redis.call('LRANGE', list, math.max(first, urgent) - urgent, math.min(last, urgent + plain - 1) - urgent))
      end
      if last >= urgent + plain then add(rows, redis.call('ZRANGE', prio, math.max(first, urgent + plain) - plain, last - plain)) end
      if is_last then
        local other = {}
        for k = #rows - 1, 1, -2 do
          other[#other + 1] = rows[k]
          other[#other + 1] = ''
        end
        return other
      end
      return rows
    end,
    find = function(member)
      local rank = redis.call('ZRANK', prio, member)
      if rank then return turned(rank < urgent and rank or rank + plain) end
      local place = redis.call('LPOS', list, member, 'RANK', is_last and -1 or 1, 'MAXLEN', SEEK)
      return place and turned(urgent + place) or nil
    end,
  }
end

local CONTAINERS = {
  active = ext(queue, 'lease'), delayed = P .. ':scheduled:' .. queue, completed = P .. ':finished:' .. queue, failed = P .. ':failed:' .. queue,
}
local function open(name)
  if name ~= 'state' then return sorted(ext(queue, 'by:' .. name .. ':' .. wanted[name])) end
  return state == 'waiting' and waiting() or sorted(CONTAINERS[state])
end

local is_filtered = wanted.name ~= '' or wanted.owner ~= '' or wanted.error ~= ''
local source, sequence = 'state', open('state')
for name, value in pairs(wanted) do
  if value ~= '' and (ARGV[8] == name or (ARGV[8] == '' and open(name).count < sequence.count)) then
    source, sequence = name, open(name)
  end
end

local function fits(member)
  if source == 'state' and not is_filtered then return true end
  local id = state == 'active' and string.match(member, '^(.*):[^:]*$') or member
  if not is_job(id) then return false end
  local facts = redis.call('HMGET', job_key(id), 'status', 'name', 'owner', 'error_class')
  return facts[1] == STATUS[state] and (wanted.name == '' or facts[2] == wanted.name)
    and (wanted.owner == '' or facts[3] == wanted.owner) and (wanted.error == '' or facts[4] == wanted.error)
end

local step, most, look = ARGV[12] == '-1' and -1 or 1, tonumber(ARGV[13]), tonumber(ARGV[14])
local anchor = ARGV[11] ~= '' and sequence.find(ARGV[11], ARGV[10])
if not anchor and ARGV[9] ~= '' then anchor = tonumber(ARGV[9]) end
local at = anchor and anchor + step or (step == 1 and 0 or sequence.count - 1)
local rows, looked = {}, 0
while at >= 0 and at < sequence.count and #rows < most and looked < look do
  local length = math.min(PART, look - looked, is_filtered and PART or most - #rows)
  local from = step == 1 and at or math.max(0, at - length + 1)
  local to = step == 1 and math.min(at + length - 1, sequence.count - 1) or at
  local part = sequence.part(from, to)
  if #part == 0 then break end
  local first, last = step == 1 and 0 or to - from, step == 1 and to - from or 0
  for k = first, last, step do
    local member = part[2 * k + 1]
    at, looked = from + k + step, looked + 1
    if member and fits(member) then
      local due = state == 'delayed' and redis.call('ZSCORE', CONTAINERS.delayed, member)
      rows[#rows + 1] = { member, part[2 * k + 2], from + k, due or '' }
      if #rows == most then break end
    end
  end
end
local is_end = at < 0 or at >= sequence.count
local answer = { source, sequence.count, looked, is_end and '1' or '', at - step }
for _, row in ipairs(rows) do
  for _, fact in ipairs(row) do answer[#answer + 1] = fact end
end
return answer
