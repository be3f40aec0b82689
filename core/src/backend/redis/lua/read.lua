-- One session and a user's record, of one instant. KEYS: the session, the users' records. ARGV: the user, then the
-- fields, or none for all of them.
local user = redis.call('HGET', KEYS[2], ARGV[1])
if #ARGV == 1 then return { user, 1, redis.call('HGETALL', KEYS[1]) } end
return { user, 0, redis.call('HMGET', KEYS[1], unpack(ARGV, 2)) }
