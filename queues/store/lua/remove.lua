-- Deletes jobs that do not run now. ARGV: prefix, queue, RQ's status that they must have or '', ids... Returns how many were deleted: what
-- somebody retried or promoted meanwhile is not of that status any more, and stays.
local queue, wanted, gone, waiting = ARGV[2], ARGV[3], {}, {}
local fault = broken(queue)
if fault then return redis.error_reply(fault) end
for i = 4, #ARGV do
  local id = ARGV[i]
  local status = is_job(id) and redis.call('HGET', job_key(id), 'status')
  if status and status ~= 'started' and (wanted == '' or status == wanted) then
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
