-- What a running job tells: a progress, a line of its log. Nothing is written of a job that is gone.
-- ARGV: prefix, id, 'progress' or 'log', text, most lines, seconds that a log is kept. Returns 1 if it was written, 2 if the job is to be cancelled, else 0.
local id, what, text = ARGV[2], ARGV[3], ARGV[4]
if not is_job(id) then return 0 end
if what == 'progress' then
  redis.call('HSET', job_key(id), 'progress', text)
else
  local lines = P .. ':ext:log:' .. id
  redis.call('RPUSH', lines, text)
  redis.call('LTRIM', lines, -tonumber(ARGV[5]), -1)
  redis.call('EXPIRE', lines, ARGV[6])
end
return redis.call('HEXISTS', job_key(id), 'cancel') == 1 and 2 or 1
