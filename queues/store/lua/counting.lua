-- What is counted: per queue and job name since ever (`counts`) and per hour, per queue per minute and since ever (`totals`). Collected while
-- a script runs and written at its end by flush, since the jobs of a batch mostly count the same. A histogram's bucket b ends at 2^(b/2) ms.
local MINUTE_SECONDS, HOUR_SECONDS, MOST_FIELDS, LAST_BUCKET = 7500, 694800, 4000, 46
local tallies = {}
local function add_to(part, queue, field, by)
  local fields = tallies[queue] and tallies[queue][part]
  if not fields then
    tallies[queue] = tallies[queue] or {}
    fields = {}
    tallies[queue][part] = fields
  end
  fields[field] = (fields[field] or 0) + by
end
local function tally(queue, name, what, by)
  local field = what .. ':' .. name
  add_to('hour', queue, field, by or 1)
  add_to('counts', queue, field, by or 1)
end
local function tally_outcome(queue, name, what)
  add_to('totals', queue, what, 1)
  add_to('minute', queue, what, 1)
  tally(queue, name, what)
end
local function tally_span(queue, name, kind, seconds) -- kind: 'run' or 'wait'
  local ms = math.max(0, seconds * 1000)
  local bucket = ms <= 1 and 0 or math.min(LAST_BUCKET, math.ceil(2 * math.log(ms) / math.log(2)))
  add_to('minute', queue, kind .. bucket, 1)
  tally(queue, name, kind .. bucket)
  tally(queue, name, kind .. '_ms', math.floor(ms + 0.5))
end
local function tally_error(queue, name, error_class)
  local group = string.gsub(error_class, ':', '.') .. ':' .. name
  add_to('hour', queue, 'error:' .. group, 1)
  local key = ext(queue, 'errors')
  local known = redis.pcall('HLEN', key)
  if type(known) == 'number' and (known < MOST_FIELDS or redis.call('HEXISTS', key, 'last:' .. group) == 1) then
    redis.pcall('HSETNX', key, 'first:' .. group, string.format('%.3f', now()))
    redis.pcall('HSET', key, 'last:' .. group, string.format('%.3f', now()))
  end
  redis.pcall('EXPIRE', key, HOUR_SECONDS)
end
-- pcall throughout: a key that a stranger took counts nothing, and a full Redis neither; the work goes on. That a field or a hash is new is
-- seen by what it was increased to.
local function write_tallies()
  local minute, hour = math.floor(now() / 60), math.floor(now() / 3600)
  for queue, parts in pairs(tallies) do
    for part, fields in pairs(parts) do
      local key = ext(queue, part == 'minute' and 'minute:' .. minute or part == 'hour' and 'hour:' .. hour or part)
      for field, by in pairs(fields) do
        if by > 0 and redis.pcall('HINCRBY', key, field, by) == by then
          local known = redis.pcall('HLEN', key)
          if known == 1 and part == 'minute' then redis.pcall('EXPIRE', key, MINUTE_SECONDS) end
          if known == 1 and part == 'hour' then redis.pcall('EXPIRE', key, HOUR_SECONDS) end
          if known > MOST_FIELDS then
            redis.pcall('HDEL', key, field)
            redis.pcall('HINCRBY', key, string.match(field, '^[^:]*') .. ':(others)', by)
          end
        end
      end
    end
  end
  tallies = {}
end

