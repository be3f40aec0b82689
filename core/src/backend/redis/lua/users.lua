-- The users' records of a bucket between two users, in order. KEYS: as for apply.lua. ARGV: from, to, at most how many.
local found = {}
for i, user in ipairs(redis.call('ZRANGEBYLEX', KEYS[2], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])) do
  found[i] = { user, redis.call('HGET', KEYS[1], user) }
end
return found
