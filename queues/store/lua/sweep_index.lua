-- Takes the ids of jobs that are gone out of an index. ARGV: prefix, key of the index, ids... Returns how many were.
local gone = {}
for i = 3, #ARGV do
  if redis.call('EXISTS', job_key(ARGV[i])) == 0 then gone[#gone + 1] = ARGV[i] end
end
return #gone > 0 and redis.call('ZREM', ARGV[2], unpack(gone)) or 0
