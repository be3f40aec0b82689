-- Drops sessions of a bucket that are over, with their index entries: how many, and when the next one is over.
-- KEYS: as for apply.lua. ARGV: now, at most how many, what sessions' keys begin with.
local over = redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, id in ipairs(over) do
  redis.call('DEL', ARGV[3] .. id)
  local owners = redis.call('HGET', KEYS[4], id) or ''
  for from = 1, #owners, 16 do redis.call('ZREM', KEYS[3], string.sub(owners, from, from + 15) .. id) end
  redis.call('HDEL', KEYS[4], id)
  redis.call('ZREM', KEYS[5], id)
  redis.call('ZREM', KEYS[6], id)
end
return { #over, redis.call('ZRANGE', KEYS[5], 0, 0, 'WITHSCORES')[2] or false }
