-- Deletes jobs that do not run now. ARGV: prefix, queue, ids... Returns how many were deleted.
local queue, removed = ARGV[2], 0
for i = 3, #ARGV do
  local id = ARGV[i]
  if is_job(id) and redis.call('HGET', job_key(id), 'status') ~= 'started' then
    local places = 0
    for _, registry in ipairs({ ':scheduled:', ':finished:', ':failed:' }) do
      places = places + redis.call('ZREM', P .. registry .. queue, id)
    end
    places = places + redis.call('ZREM', ext(queue, 'prio'), id)
    if places == 0 then places = redis.call('LREM', P .. ':queue:' .. queue, 1, id) end
    if places > 0 then
      release_dedupe(queue, id)
      delete_job(id)
      removed = removed + 1
    end
  end
end
return removed
