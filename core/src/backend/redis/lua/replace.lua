-- Replaces bytes by bytes where the old ones still stand: 1 or 0 for each. KEYS: a hash each. ARGV: '1' when an answer to
-- this very call was lost before; then for each its field, how many bytes stand before it there, old and new.
local done = {}
for i, key in ipairs(KEYS) do
  local at = 4 * i - 2
  local field, before, old, new = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2], ARGV[at + 3]
  local standing = redis.call('HGET', key, field)
  local found = standing and string.sub(standing, before + 1)
  done[i] = 0
  if found == old then
    redis.call('HSET', key, field, string.sub(standing, 1, before) .. new)
    done[i] = 1
  elseif ARGV[1] == '1' and found == new then
    done[i] = 1
  end
end
return done
