-- The index of a bucket between two members, each entry with its session's head and touch; and a user's record.
-- KEYS: as for apply.lua, without sessions. ARGV: from, to, at most how many, what sessions' keys begin with, the user
-- whose record is wanted or ''.
local entries = redis.call('ZRANGEBYLEX', KEYS[3], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])
local listed = {}
for i, entry in ipairs(entries) do
  local session = redis.call('HMGET', ARGV[4] .. string.sub(entry, -17), 'h', 't')
  listed[i] = { entry, session[1], session[2] }
end
return { ARGV[5] ~= '' and redis.call('HGET', KEYS[1], ARGV[5]), listed }
