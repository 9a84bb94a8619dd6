-- What ended in each of the last minutes, of any queues of this server; writes nothing. ARGV: prefix, minutes, queues...
-- Returns per queue {completed, failed, completed, failed, ...}, the oldest minute first, the present one last.
local minutes, last = tonumber(ARGV[2]), math.floor(now() / 60)
local answers = {}
for i = 3, #ARGV do
  local counts = {}
  for minute = last - minutes + 1, last do
    local found = redis.pcall('HMGET', ext(ARGV[i], 'minute:' .. minute), 'completed', 'failed')
    for k = 1, 2 do counts[#counts + 1] = tonumber(not found.err and found[k] or '0') or 0 end -- pcall: a stranger's key counts nothing
  end
  answers[#answers + 1] = counts
end
return answers
