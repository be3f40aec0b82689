-- A put and nothing else: most changes are that, and apply.lua takes twice as long to come to it. KEYS: the session. ARGV: the
-- head that must stand, now, the largest size and count; then cells, all different, with their sealed bytes, none of which has
-- an expiry. Answers with the new version; or as apply.lua does, where it is too large; or with nothing where nothing was
-- written, for apply.lua to see why.
local key, last = KEYS[1], #ARGV
local asked = { 'h', 'v', 'n', 'c', 'e' }
for at = 5, last, 2 do asked[#asked + 1] = ARGV[at] end
local s = redis.call('HMGET', key, unpack(asked))
if s[1] ~= ARGV[1] or not s[2] then return false end
if s[5] then
  -- What is over leaves with this change, and what is put has no expiry any more.
  for at = 5, last, 2 do asked[ARGV[at]] = true end
  for from = 1, #s[5], 24 do
    if struct.unpack('>i8', s[5], from + 16) <= tonumber(ARGV[2]) then return false end
    if asked[string.sub(s[5], from, from + 15)] then return false end
  end
end
local size, count = tonumber(s[3] or 0), tonumber(s[4] or 0)
for at = 6, last, 2 do
  local old = s[at / 2 + 3]
  size = size + #ARGV[at]
  if old then size = size - #old else count = count + 1 end
end
if size > tonumber(ARGV[3]) or count > tonumber(ARGV[4]) then return { 2, size, count } end
local version = s[2] + 1
-- Some servers write a round number as 1e+8.
redis.call('HSET', key, 'v', string.format('%.0f', version), 'n', size, 'c', count, 'u', ARGV[2], unpack(ARGV, 5, last))
return version
