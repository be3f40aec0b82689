-- Writes a record if what stands there is what was expected; else what stands there. ARGV: '=' and the expected bytes, or
-- '-' for none; the new bytes; '1' when an answer to this very call was lost before.
local standing = redis.call('GET', KEYS[1])
local expected = string.sub(ARGV[1], 1, 1) == '=' and string.sub(ARGV[1], 2)
if standing == expected then
  redis.call('SET', KEYS[1], ARGV[2])
  return 1
end
if ARGV[3] == '1' and standing == ARGV[2] then return 1 end
return { standing }
