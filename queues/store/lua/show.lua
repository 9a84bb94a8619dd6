-- Makes a run visible to RQ's tools, as RQ writes executions, while its lease is held and its job there: stock pages break on traces of others.
-- ARGV: prefix, queue, id, execution, worker, claimed_at, now (unix seconds), now (RQ's time), seconds until the traces fade.
-- The score in `wip` is a day ahead: RQ fails what it finds overdue there.
local queue, id, execution, worker, seen, fades = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[7], tonumber(ARGV[9])
local member = id .. ':' .. execution
if not redis.call('ZSCORE', ext(queue, 'lease'), member) or not is_job(id) then return 0 end
local hash, executions, mine = P .. ':execution:' .. member, P .. ':executions:' .. id, P .. ':worker:' .. worker .. ':executions'
redis.call('HSET', hash, 'id', execution, 'job_id', id, 'created_at', ARGV[6], 'last_heartbeat', seen, 'worker_name', worker)
redis.call('ZADD', executions, string.format('%.6f', seen + fades), execution)
redis.call('SADD', mine, member)
for _, key in ipairs({ hash, executions, mine }) do redis.call('EXPIRE', key, fades) end
redis.call('ZADD', P .. ':wip:' .. queue, string.format('%.6f', seen + 86400), member)
redis.call('HSET', job_key(id), 'last_heartbeat', ARGV[8])
return 1
