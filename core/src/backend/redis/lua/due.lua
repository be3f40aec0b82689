-- Takes buckets off the list of those in which a session may be over; who took them puts them back when they are swept.
-- KEYS: the list. ARGV: now, at most how many.
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
if #due > 0 then redis.call('ZREM', KEYS[1], unpack(due)) end
return due
