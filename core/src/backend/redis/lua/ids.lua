-- The ids of what is stored in a bucket, in order. What Redis dropped by itself is named until it is swept, and left out.
-- KEYS: as for apply.lua, without sessions. ARGV: from, to, at most how many, what sessions' keys begin with.
local from, most, found = ARGV[1], tonumber(ARGV[3]), {}
while #found < most or most < 0 do
  local ids = redis.call('ZRANGEBYLEX', KEYS[6], from, ARGV[2], 'LIMIT', 0, most < 0 and -1 or most)
  for _, id in ipairs(ids) do
    if (#found < most or most < 0) and redis.call('EXISTS', ARGV[4] .. id) == 1 then found[#found + 1] = id end
  end
  if most < 0 or #ids < most then break end
  from = '(' .. ids[#ids]
end
return found
