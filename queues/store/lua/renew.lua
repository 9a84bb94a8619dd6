-- Extends leases that are still held; runs that last also become visible to stock tools, as RQ writes executions.
-- ARGV: prefix, worker, queue, lease in seconds, RQ's time now, then per lease: job id, execution, since when it runs in unix seconds or ''
-- where it is not to be seen yet. Returns the ids of jobs that are to be cancelled.
-- ZREM comes first because a full Redis allows it and, after a first write, all others of the script: else the leases of the living end.
local WORKER, queue, LEASE = ARGV[2], ARGV[3], tonumber(ARGV[4])
local WIP_SECONDS = 86400 -- RQ fails what it finds overdue
local leases, moment, cancelled = ext(queue, 'lease'), now(), {}
local ends = string.format('%.6f', moment + LEASE)

-- pcall: see forget_execution.
local function show(id, execution, since)
  local member, time = id .. ':' .. execution, string.format('%.6f', moment)
  local key = P .. ':execution:' .. member
  redis.pcall('HSET', key, 'id', execution, 'job_id', id, 'created_at', since, 'last_heartbeat', time, 'worker_name', WORKER)
  redis.pcall('ZADD', P .. ':executions:' .. id, string.format('%.6f', moment + LEASE * 2), execution)
  redis.pcall('ZADD', P .. ':wip:' .. queue, string.format('%.6f', moment + WIP_SECONDS), member)
  redis.pcall('SADD', P .. ':worker:' .. WORKER .. ':executions', member)
  for _, traces in ipairs({ key, P .. ':executions:' .. id, P .. ':worker:' .. WORKER .. ':executions' }) do
    redis.call('EXPIRE', traces, LEASE * 2)
  end
  redis.call('HSET', job_key(id), 'last_heartbeat', ARGV[5])
end

for i = 6, #ARGV, 3 do
  local id, execution, since = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local member = id .. ':' .. execution
  if redis.call('ZREM', leases, member) == 1 then
    redis.call('ZADD', leases, ends, member)
    if is_job(id) then
      if since ~= '' then show(id, execution, since) end
      if redis.call('HEXISTS', job_key(id), 'cancel') == 1 then cancelled[#cancelled + 1] = id end
    end
  end
end
return cancelled
