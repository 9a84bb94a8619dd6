-- Deletes jobs that do not run now. ARGV: prefix, queue, ids... Returns how many were deleted.
local queue, gone, waiting = ARGV[2], {}, {}
local fault = broken(queue)
if fault then return redis.error_reply(fault) end
for i = 3, #ARGV do
  local id = ARGV[i]
  if is_job(id) and redis.call('HGET', job_key(id), 'status') ~= 'started' then
    if forget_ended(queue, id) then
      gone[#gone + 1] = id
    else
      waiting[#waiting + 1] = id
    end
  end
end
for id in pairs(withdraw_all(queue, waiting)) do gone[#gone + 1] = id end
for _, id in ipairs(gone) do
  release_dedupe(queue, id)
  delete_job(id)
end
return #gone
