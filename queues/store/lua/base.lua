-- What every script begins with: ARGV[1] is the key prefix; time is Redis's own.
local P = ARGV[1]
local present
local function now() -- one moment for the whole script, which is one step
  if not present then
    local t = redis.call('TIME')
    present = tonumber(t[1]) + tonumber(t[2]) / 1000000
  end
  return present
end
local function ext(queue, part) return P .. ':ext:' .. queue .. ':' .. part end
local function job_key(id) return P .. ':job:' .. id end

