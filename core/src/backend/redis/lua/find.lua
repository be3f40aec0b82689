-- Head and touch of a session; and where a user has it in the index, who it is, their record and all sessions of theirs.
-- KEYS: as for apply.lua, without sessions. ARGV: the session, what sessions' keys begin with.
local session = redis.call('HMGET', ARGV[2] .. ARGV[1], 'h', 't')
local user = string.sub(redis.call('HGET', KEYS[4], ARGV[1]) or '', 1, 16)
if user == '' then return { session[1], session[2] } end
local entries = redis.call('ZRANGEBYLEX', KEYS[3], '[' .. user, '[' .. user .. string.rep(string.char(255), 18))
local listed = {}
for i, entry in ipairs(entries) do
  local found = redis.call('HMGET', ARGV[2] .. string.sub(entry, -17), 'h', 't')
  listed[i] = { entry, found[1], found[2] }
end
return { session[1], session[2], user, redis.call('HGET', KEYS[1], user), listed }
