"""The two steps of the gate that must be atomic. Spans only, in milliseconds: no clock but Redis's own is ever read.

KEYS: closed, trouble, probe, and of FAILED the set of all gates in trouble.
"""

ENTER = """
-- ARGV: a token for the probe, how long it may take. Returns 0 and whether the caller is the probe; or the wait, the kind, the reason.
local left = redis.call('PTTL', KEYS[1])
local kind, reason, pause = unpack(redis.call('HMGET', KEYS[2], 'kind', 'reason', 'pause'))
if left > 0 then return {left, kind, reason} end
if not kind then return {0, 0} end
if redis.call('SET', KEYS[3], ARGV[1], 'NX', 'PX', ARGV[2]) then return {0, 1} end
-- The others ask again soon after a short pause, and not all the time after a long one.
local soon = math.max(1000, math.floor((tonumber(pause) or 0) / 10))
return {math.max(1, math.min(redis.call('PTTL', KEYS[3]), soon)), kind, reason}
"""

FAILED = """
-- ARGV: the caller's token, kind, reason, the wait asked for or -1, the first wait, the longest, jitter, memory, gate, provider, model.
-- Only the first failure and those of probes count: what many callers meet at once is one trouble. Returns the wait.
local token, kind, wait = ARGV[1], ARGV[2], tonumber(ARGV[4])
local known, failures = unpack(redis.call('HMGET', KEYS[2], 'kind', 'failures'))
local is_probe = token ~= '' and redis.call('GET', KEYS[3]) == token
if not known or is_probe or (kind == 'circuit' and known ~= 'circuit') then
    failures = known == kind and (tonumber(failures) or 0) + 1 or 1
    if wait < 0 then
        wait = math.floor(math.min(tonumber(ARGV[5]) * 2 ^ math.min(failures - 1, 20), tonumber(ARGV[6])) * tonumber(ARGV[7]))
    end
    redis.call('HSET', KEYS[2], 'kind', kind, 'reason', ARGV[3], 'failures', failures, 'pause', wait)
    redis.call('HSET', KEYS[2], 'provider', ARGV[10], 'model', ARGV[11])
    redis.call('HSETNX', KEYS[2], 'since', redis.call('TIME')[1])
end
wait = math.max(wait, redis.call('PTTL', KEYS[1]))
if is_probe then redis.call('DEL', KEYS[3]) end
if wait <= 0 then return tonumber(ARGV[5]) end
redis.call('SET', KEYS[1], 1, 'PX', wait)
redis.call('PEXPIRE', KEYS[2], wait + tonumber(ARGV[8]))
redis.call('SADD', KEYS[4], ARGV[9])
redis.call('PEXPIRE', KEYS[4], math.max(redis.call('PTTL', KEYS[4]), wait + tonumber(ARGV[8])))
return wait
"""
