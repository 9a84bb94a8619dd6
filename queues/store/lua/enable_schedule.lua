-- Lets a disabled schedule go on, from now: what it missed is not made up for. ARGV: prefix, schedule. Returns 1 if it was disabled.
local state = ext('schedule', ARGV[2])
local was_disabled = redis.call('HDEL', state, 'disabled')
if was_disabled == 1 then redis.call('HSET', state, 'enabled_at', string.format('%.6f', now())) end
return was_disabled
